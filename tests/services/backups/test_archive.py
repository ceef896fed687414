from __future__ import annotations

import gzip
import io
import random
import tarfile
from pathlib import Path

import pytest

from app.errors import Invalid, Malformed
from app.services.backups import sealing
from app.services.backups.archive import ArchiveWriter, read_archive


def archive(*members: tuple[str, bytes]) -> bytes:
    written = io.BytesIO()
    writer = ArchiveWriter(written, {"database": "sqlite"})
    for name, data in members:
        writer.add_bytes(name, data)
    writer.close()
    return written.getvalue()


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    facts = read_archive(io.BytesIO(archive(("database.sqlite", b"x" * 5000), ("media/ab/cd", b"y"))), tmp_path)

    assert facts["database"] == "sqlite"
    assert (tmp_path / "database.sqlite").read_bytes() == b"x" * 5000
    assert (tmp_path / "media" / "ab" / "cd").read_bytes() == b"y"


@pytest.mark.parametrize(
    "name", ["../escaped", "/etc/passwd", "media/../../escaped", "media//x", "tables/../x", "unknown", "tables/a/b"]
)
def test_a_member_that_is_not_ours_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(Malformed):
        read_archive(io.BytesIO(archive((name, b"x"))), tmp_path / "inside")

    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    plain = gzip.decompress(archive())
    info = tarfile.TarInfo("media/link")
    info.type, info.linkname = kind, "/etc/passwd"
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w|gz") as tar:
        with tarfile.open(fileobj=io.BytesIO(plain)) as source:
            first = source.getmember("backup.json")
            tar.addfile(first, source.extractfile(first))
        tar.addfile(info)

    with pytest.raises(Malformed):
        read_archive(io.BytesIO(made.getvalue()), tmp_path)


def test_every_cut_and_every_changed_byte_is_noticed() -> None:
    content = random.Random(7).randbytes(3000)  # nothing in it repeats, so no other bits unpack to the same
    whole = archive(("database.sqlite", content))
    read_archive(io.BytesIO(whole))

    for length in range(0, len(whole), 7):
        with pytest.raises(Malformed):
            read_archive(io.BytesIO(whole[:length]))
    for place in range(600, len(whole) - 600, 11):
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(Malformed):
            read_archive(io.BytesIO(changed))


def test_only_the_identity_decrypts_and_a_changed_file_does_not(tmp_path: Path) -> None:
    from pyrage import x25519

    ours, theirs = x25519.Identity.generate(), x25519.Identity.generate()
    (tmp_path / "plain").write_bytes(b"names and numbers" * 10_000)
    for name, key in (("ours", ours), ("theirs", theirs)):
        (tmp_path / name).write_text(f"# public key: {key.to_public()}\n{key}\n")
    sealing.encrypt(tmp_path / "plain", tmp_path / "sealed", sealing.read_recipients([str(ours.to_public())]))

    assert sealing.is_encrypted(tmp_path / "sealed")
    assert b"names" not in (tmp_path / "sealed").read_bytes()
    sealing.decrypt(tmp_path / "sealed", tmp_path / "again", sealing.read_identities(tmp_path / "ours"))
    assert (tmp_path / "again").read_bytes() == (tmp_path / "plain").read_bytes()
    with pytest.raises(Malformed):
        sealing.decrypt(tmp_path / "sealed", tmp_path / "again", sealing.read_identities(tmp_path / "theirs"))
    sealed = bytearray((tmp_path / "sealed").read_bytes())
    sealed[-1] ^= 1
    (tmp_path / "sealed").write_bytes(sealed)
    with pytest.raises(Malformed):
        sealing.decrypt(tmp_path / "sealed", tmp_path / "again", sealing.read_identities(tmp_path / "ours"))


def test_a_key_of_another_kind_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        sealing.read_recipients(["age1nonsense"])
    (tmp_path / "empty").write_text("# nothing\n")
    with pytest.raises(Invalid):
        sealing.read_identities(tmp_path / "empty")
