"""What crashes leave in the store of files is deleted, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.clock import utc_now
from app.container import Gateway
from app.domain.media_types import MediaType
from app.services.media.orphans import SweepOrphans
from app.services.media.queue import DiscardContents
from app.store import media, media_keys
from app.vault import FolderVault, Vault
from app.vault.s3 import S3Vault
from app.vault.s3_client import Bucket
from tests.conftest import on_sqlite

LATER = timedelta(days=2)
KIND = MediaType("image/jpeg")


@pytest.fixture(scope="module")
def bucket() -> Iterator[S3Vault]:
    """A bucket of a store that speaks like S3, on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    found = S3Vault(Bucket("media", f"http://{host}:{port}", "us-east-1", "p", "key", "secret"))
    found._client.create_bucket(Bucket="media")
    yield found
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    if request.param == "folder":
        return FolderVault(tmp_path / "vault")
    made: S3Vault = request.getfixturevalue("bucket")
    found = S3Vault(Bucket("media", prefix=os.urandom(4).hex()))  # with the same client, which takes longer to make
    found.__dict__["_client"] = made._client
    return found


class Sweep:
    """A worker that sweeps, by a clock that a test moves."""

    def __init__(self, gateway: Gateway, vault: Vault) -> None:
        self.gateway, self.vault, self.ahead, self.waited = gateway, vault, LATER, list[float]()
        self.sweep = SweepOrphans(gateway.database, vault, self.now)

    def now(self) -> Any:
        return utc_now() + self.ahead

    def __call__(self, *, days: float = 2) -> int:
        """Sweep the next time, then delete what was given to deletion."""
        self.ahead += timedelta(days=days)
        count = self.sweep(self.waited.append)
        discard = DiscardContents(self.gateway.database, self.vault, self.now)
        while discard():
            pass
        return count

    def put(self, content: bytes = b"picture", *, named: bool = False, thumbnail: str | None = None) -> str:
        """Put a content into the vault, and with `named` write its row; return its key."""
        kept = self.vault.put([content + os.urandom(8)], 1000)
        if named:
            with self.gateway.database.write() as session:
                media.share(session, kept.sha256, kept.key, kept.size, KIND, utc_now())
                if thumbnail is not None:
                    media.set_thumbnail(session, kept.sha256, thumbnail)
        return kept.key

    def left(self) -> set[str]:
        return set(self.vault.keys())


@pytest.fixture
def sweep(gateway: Gateway, vault: Vault) -> Sweep:
    return Sweep(gateway, vault)


def test_what_no_row_names_is_deleted_and_what_one_names_stays(sweep: Sweep) -> None:
    small = sweep.put()
    named = {sweep.put(named=True, thumbnail=small), sweep.put(named=True), small}
    orphans = {sweep.put() for _ in range(3)}

    assert sweep.left() == named | orphans
    assert sweep() == len(orphans)
    assert sweep.left() == named
    assert sweep() == 0


@on_sqlite
def test_what_is_younger_than_a_day_stays_because_its_row_may_still_come(sweep: Sweep) -> None:
    orphan = sweep.put()
    sweep.ahead = timedelta(hours=-23)

    assert sweep(days=1) == 0 and sweep.left() == {orphan}
    assert sweep(days=1.1) == 1 and sweep.left() == set()


@on_sqlite
def test_one_worker_sweeps_and_once_a_day(sweep: Sweep) -> None:
    other = Sweep(sweep.gateway, sweep.vault)
    sweep.put()
    assert sweep() == 1
    sweep.put()

    other.ahead = sweep.ahead
    assert other(days=0.5) == 0
    assert other(days=0.6) == 1


@on_sqlite
def test_a_vault_that_another_database_signed_is_left_alone(
    sweep: Sweep, caplog: pytest.LogCaptureFixture
) -> None:
    sweep.vault.sign("0" * 32)
    orphan = sweep.put()

    assert sweep() == 0 and sweep.left() == {orphan}
    assert "another database has files" in caplog.text
    assert len(sweep.vault.owners()) == 2  # the other one is told, too


@on_sqlite
def test_more_than_crashes_leave_is_left_alone(sweep: Sweep, caplog: pytest.LogCaptureFixture) -> None:
    keys = {sweep.put() for _ in range(25)}

    assert sweep() == 0 and sweep.left() == keys
    assert "another gateway's" in caplog.text


@on_sqlite
def test_a_row_that_appears_between_looking_and_deleting_saves_its_file(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = sweep.put()
    real, calls = media_keys.unnamed, []

    def late(session: Any, keys: Any) -> set[str]:
        found = real(session, keys)
        if not calls:
            calls.append(True)
            return found
        return found - {orphan}

    monkeypatch.setattr(media_keys, "unnamed", late)

    assert sweep() == 0 and sweep.left() == {orphan}


@on_sqlite
def test_a_pass_that_a_stop_cut_short_begins_again_with_the_next_worker(sweep: Sweep) -> None:
    sweep.put()
    assert sweep.sweep(sweep.waited.append, lambda: True) == 0

    assert sweep(days=0.01) == 1


@on_sqlite
def test_foreign_files_in_the_folder_are_passed_over(gateway: Gateway, tmp_path: Path) -> None:
    sweep = Sweep(gateway, FolderVault(tmp_path / "vault"))
    sweep.put()
    for name in ("readme.txt", "ab/notes", "ab/" + "0" * 31, "owners/somebody"):
        path = tmp_path / "vault" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")

    assert sweep() == 1
    assert all((tmp_path / "vault" / name).exists() for name in ("readme.txt", "ab/notes", "owners/somebody"))
