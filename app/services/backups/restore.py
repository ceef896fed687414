"""Put a backup back, so that nobody who was erased comes back and nothing is sent twice."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app import migrations
from app.db.database import Database
from app.db.write_lock import WriteLock
from app.errors import Unavailable, WrongState
from app.services.backups import sealing, snapshot_sqlite
from app.services.backups.archive import DATABASE, ERASURES, MEDIA, TABLES, read_archive
from app.services.backups.create import Report, _Step
from app.services.backups.places import Place
from app.services.erasures import LedgerPart, read_ledger
from app.store import workers


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A backup on this machine's disk, checked."""

    facts: dict[str, Any]
    folder: Path

    @property
    def ledger(self) -> list[LedgerPart]:
        """The ledger of erased people, as it was when the backup was made."""
        return read_ledger(self.folder / ERASURES)

    def files(self) -> Iterator[tuple[str, Path]]:
        """Yield key and path of each file of the vault."""
        root = self.folder / MEDIA
        for path in sorted(root.rglob("*")):
            if path.is_file():
                yield path.relative_to(root).as_posix(), path


@contextmanager
def unpacked(place: Place, identity: Path | None, database: Database, report: Report) -> Iterator[Unpacked]:
    """Fetch, decrypt, check and unpack a backup into a folder that is deleted afterwards.

    Raises `Malformed`, `WrongState` if it is of another kind of database or needs an identity, `NotFound`, `OSError`.
    """
    beside = Path(str(database.url.database)).resolve().parent if database.is_sqlite else None
    if beside is not None:
        beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=beside) as text:
        folder = Path(text)
        source = place.fetch(folder / "fetched", _Step(report, "fetch", 0).add)
        if sealing.is_encrypted(source):
            if identity is None:
                raise WrongState("This backup is encrypted: name the file of its identity with --identity.")
            report("decrypt", 0, 0)
            sealing.decrypt(source, folder / "archive", sealing.read_identities(identity))
            source = folder / "archive"
        with source.open("rb") as archive:
            facts = read_archive(archive, folder / "members", _Step(report, "unpack", 0).add)
        kind = "sqlite" if database.is_sqlite else "postgresql"
        if facts.get("database") != kind:
            raise WrongState(f"The backup is of {facts.get('database')}, and DATABASE_URL names {kind}.")
        yield Unpacked(facts, folder / "members")


def refuse_in_use(database: Database, now: datetime) -> None:
    """Raise `WrongState` if the database holds anything, or a process of the gateway uses it.

    Raises `Unavailable` too.
    """
    if database.is_sqlite and not Path(str(database.url.database)).exists():
        return
    if not database.is_sqlite:
        from app.services.backups import snapshot_postgresql

        is_empty = snapshot_postgresql.is_empty(database.url)
    else:
        is_empty = snapshot_sqlite.is_empty(Path(str(database.url.database)))
    if is_empty:
        return
    try:
        with database.read() as session:
            hosts = [row.host or "?" for row in workers.living(session, now)]
            hosts += [row.host for row in workers.living_web(session, now)]
    except Exception:  # of an older or damaged schema nothing can be said; it is not empty in any case
        hosts = []
    if hosts:
        named = ", ".join(sorted(set(hosts)))
        raise WrongState(
            f"The gateway is running on this database ({named}). Stop every process of it; after a kill it counts as"
            " running for half a minute. --force restores all the same."
        )
    raise WrongState("The database is not empty. --force replaces it; the old one of SQLite is moved aside.")


def restore_sqlite(backup: Unpacked, path: Path, settle: Callable[[str], None]) -> Path | None:
    """Bring the copy up to date, settle it, and put it in the database's place; return where the old one is now.

    `settle` gets the URL of the copy, does what must be done before anybody uses it, and closes it. Only then the copy
    is put in place: whatever fails before leaves the old database as it was. A `-wal` and `-shm` of the old file, which
    would bring old data back, are moved aside with it. Raises what `settle` raises, `Unavailable`, `OSError`.
    """
    copy = backup.folder / DATABASE
    snapshot_sqlite.check(copy)
    settle(f"sqlite:///{copy}")
    snapshot_sqlite.check(copy)
    for suffix in ("-wal", "-shm", "-turn", "-lock"):
        with suppress(FileNotFoundError):
            os.unlink(f"{copy}{suffix}")
    with WriteLock(path).hold(60.0):
        aside = _move_aside(path)
        os.replace(copy, path)
        os.chmod(path, 0o600)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return aside


def _move_aside(path: Path) -> Path | None:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = path.with_name(f"{path.name}.replaced-{stamp}")
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    return aside if aside.exists() else None


def restore_postgresql(backup: Unpacked, database: Database, report: Report) -> None:
    """Make the schema of the backup's revision in the database, and fill it. What was there is dropped.

    Raises `WrongState` for a revision that this release does not know, `Malformed`, `Unavailable`.
    """
    from app.services.backups import snapshot_postgresql

    told = snapshot_postgresql.check_names(backup.facts["tables"])
    tables = {name: told[name] for name in backup.facts["order"]}
    snapshot_postgresql.drop_all(database.url)
    try:
        migrations.go_to(database, str(backup.facts["revision"]))
    except migrations.WrongRevision as error:
        raise WrongState(str(error)) from error
    size = sum((backup.folder / TABLES / name).stat().st_size for name in tables)
    snapshot_postgresql.load(database.url, backup.folder / TABLES, tables, _Step(report, "load", size).add)


def bring_up_to_date(database: Database) -> None:
    """Migrate a restored copy to this release's schema. Raises `WrongState` if a later release made it."""
    try:
        migrations.upgrade(database)
    except Unavailable as error:
        with database.engine.connect() as connection:
            refusal = migrations.refusal(connection)
        if refusal is not None:
            raise WrongState(f"The backup is of a later release. {refusal}") from error
        raise


def check_key(wrapped: Sequence[LedgerPart], encryptor: Any) -> None:
    """Raise `WrongState` if the ledger's key was encrypted with an `ENCRYPTION_KEY` that is not here."""
    if not all(encryptor.can_decrypt(part.wrapped_key) for part in wrapped):
        raise WrongState(
            "Who was erased cannot be read: ENCRYPTION_KEY is not that of the backup. Add the old key behind the new"
            " one, with a comma, and restore again."
        )
