"""What every vault promises, for the folder and for a bucket.

The bucket is moto's: that proves the shapes of the calls, and nothing about checksums, expiry or odd ranges.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config.errors import ConfigError
from app.config.settings import load_config
from app.vault import FolderVault, MissingFile, TooLong, Vault, VaultUnavailable, backup_store_of
from app.vault import s3 as s3_module
from app.vault.s3 import S3Vault
from app.vault.s3_client import Bucket
from tests.conftest import SETTINGS

CONTENT = os.urandom(300_000)


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """A store that speaks like S3, on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def bucket(store: str) -> S3Vault:
    """A bucket there. One for all tests, because making a client takes longer than they do."""
    found = S3Vault(Bucket("media", store, "us-east-1", "a/b", "key", "secret"))
    found._client.create_bucket(Bucket="media")
    return found


@pytest.fixture(params=["folder", "bucket", "bucket in parts"])
def vault(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    if request.param == "folder":
        return FolderVault(tmp_path / "media")
    if request.param == "bucket in parts":
        monkeypatch.setattr(s3_module, "PART_BYTES", 5 * 1024 * 1024)
    made: Vault = request.getfixturevalue("bucket")
    return made


def test_a_content_goes_in_and_comes_out_whole_or_in_part(vault: Vault) -> None:
    kept = vault.put([CONTENT[:1000], b"", CONTENT[1000:]], 10**6)

    assert (kept.size, kept.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert vault.stat(kept.key) == len(CONTENT)
    for start, length in ((0, None), (0, 10), (100_000, 70_000), (299_990, None), (299_990, 99), (5, 0)):
        opened = vault.open(kept.key, start, length)
        end = None if length is None else start + length
        assert b"".join(opened) == CONTENT[start:end], (start, length)
        opened.close()
    assert kept.key in list(vault.keys())
    vault.delete(kept.key)
    vault.delete(kept.key)
    assert vault.stat(kept.key) is None and kept.key not in list(vault.keys())
    with pytest.raises(MissingFile):
        vault.open(kept.key)


def test_a_long_content_goes_in_parts(vault: Vault) -> None:
    content = CONTENT * 40

    kept = vault.put([content], 10**9)

    assert b"".join(vault.open(kept.key)) == content
    vault.delete(kept.key)


def test_a_content_above_its_limit_leaves_nothing(vault: Vault) -> None:
    before = list(vault.keys())
    with pytest.raises(TooLong):
        vault.put([CONTENT, CONTENT], 400_000)

    def breaking() -> Iterator[bytes]:
        yield CONTENT
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError):
        vault.put(breaking(), 10**6)
    assert list(vault.keys()) == before


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "/etc/passwd", "ab/../../x", "ab/" + "A" * 32, "ab/" + "a" * 31, "a" * 35, "ab\0/"]
)
def test_no_key_leads_out_of_the_vault(vault: Vault, key: str) -> None:
    for act in (vault.open, vault.delete, vault.stat):
        try:
            found = act(key)
        except MissingFile:
            found = None
        assert found is None


def test_what_was_half_received_is_swept_after_a_day(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path)
    with vault.receive([CONTENT], 10**6) as incoming:
        left = incoming.path
        assert vault.sweep(left.stat().st_mtime - 1) == 0 and left.exists()
        assert vault.sweep(left.stat().st_mtime + 1) == 1 and not left.exists()


def test_a_folder_and_a_file_are_this_users_alone(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path / "media")

    kept = vault.put([CONTENT], 10**6)

    path = vault.folder / kept.key
    assert [each.stat().st_mode & 0o077 for each in (path, path.parent)] == [0, 0]


def test_a_vault_that_cannot_be_used_says_so_without_its_address(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for vault in (FolderVault(tmp_path / "file"), S3Vault(Bucket("m", "http://127.0.0.1:9", access_key="secret-1",
                                                                 secret_key="secret-2"))):  # fmt: skip
        with pytest.raises(VaultUnavailable) as error:
            vault.put([CONTENT], 10**6)
        assert not any(each in f"{error.value.message} {error.value.meta}" for each in ("secret", "127", str(tmp_path)))


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"BACKUP_S3_ENDPOINT": "https://copies.example", "MEDIA_S3_BUCKET": "files"}, ("https://copies.example", "")),
        (
            {"MEDIA_S3_BUCKET": "files", "MEDIA_S3_ENDPOINT": "https://files.example"}
            | {"MEDIA_S3_ACCESS_KEY": "theirs", "MEDIA_S3_SECRET_KEY": "x"},
            ("https://files.example", "theirs"),
        ),
        (
            {"BACKUP_S3_ACCESS_KEY": "ours", "BACKUP_S3_SECRET_KEY": "y", "MEDIA_S3_BUCKET": "files"}
            | {"MEDIA_S3_ENDPOINT": "https://files.example"},
            ("", "ours"),
        ),
        ({}, ("", "")),
    ],
)
def test_backups_go_to_a_store_of_their_own_else_to_that_of_the_files(
    settings: dict[str, str], found: tuple[str, str]
) -> None:
    store = backup_store_of(load_config(SETTINGS | settings))

    assert (store.endpoint, store.access_key, store.name) == (*found, "")


@pytest.mark.parametrize("store", ["MEDIA_S3", "BACKUP_S3"])
def test_one_key_of_a_store_without_the_other_is_refused(store: str) -> None:
    with pytest.raises(ConfigError, match=f"{store}_ACCESS_KEY and {store}_SECRET_KEY"):
        load_config(SETTINGS | {f"{store}_ACCESS_KEY": "alone"})


@pytest.mark.parametrize("vault", ["folder", "bucket"], indirect=True)
def test_who_uses_a_vault_signs_it(vault: Vault) -> None:
    for owner in ("0" * 32, "1" * 32, "0" * 32):
        vault.sign(owner)

    assert {"0" * 32, "1" * 32} <= vault.owners()
    assert not [key for key in vault.keys() if "owners" in key]


def test_what_a_bucket_has_spooled_is_swept_like_what_a_folder_received(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bucket = S3Vault(Bucket("never asked"))
    incoming = bucket.receive([b"half"], 100)
    incoming.file.close()  # as if the process had died here

    assert incoming.path.parent.stat().st_mode & 0o777 == 0o700
    assert bucket.sweep(time.time() - 10) == 0 and bucket.sweep(time.time() + 10) == 1
    assert not incoming.path.exists()


def test_a_spool_folder_that_somebody_else_made_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"whatsapp-service-media-{os.getuid()}").symlink_to(tmp_path / "theirs")

    with S3Vault(Bucket("never asked")).receive([b"x"], 100) as incoming:
        assert incoming.path.resolve().parent != tmp_path / "theirs"
