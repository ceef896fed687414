"""Make a backup while the gateway works."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.db.database import Database
from app.services.backups import sealing, snapshot_sqlite
from app.services.backups.archive import DATABASE, ERASURES, MEDIA, TABLES, ArchiveWriter, read_archive
from app.services.backups.media import MediaSource
from app.services.backups.places import PARTIAL, Place
from app.services.erasures import LedgerPart

Report = Callable[[str, int, int], None]
"""Called with the step, and how many bytes of how many are done; 0 of 0 while that is not known."""


LEFT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was written and read back: its size in bytes, its rows by table, and files that were not there."""

    size: int
    rows: dict[str, int]
    files: int
    missing_files: int
    is_encrypted: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was taken of the database: facts for the first member of the archive, and where it lies."""

    facts: dict[str, Any]
    rows: dict[str, int]
    folder: Path


def create_backup(
    database: Database,
    place: Place,
    *,
    version: str,
    now: datetime,
    ledger: Sequence[LedgerPart] = (),
    files: MediaSource | None = None,
    recipients: Sequence[str] = (),
    report: Report = lambda step, done, total: None,
) -> Made:
    """Write a backup to a place, encrypted to the recipients if there are any.

    The snapshot is of one moment; files that it names and that were deleted since then are counted as missing. Every
    archive is read back before it is put in place. Raises `Invalid`, `Unavailable`, `OSError`; then no backup has
    appeared, and an older one of the same name is untouched.
    """
    keys = sealing.read_recipients(recipients)
    with _workroom(database) as folder:
        snapshot = _take(database, folder, report)
        facts = snapshot.facts | {"created_at": now.isoformat(), "version": version, "rows": snapshot.rows}
        plain = folder / "archive"
        copied, missing = _write(plain, facts, snapshot, ledger, files, report)
        total = plain.stat().st_size
        step = _Step(report, "verify", total)
        with plain.open("rb") as written:
            read_archive(written, progress=step.add)
        shutil.rmtree(snapshot.folder)
        with _partial(place, folder) as target:
            if keys:
                report("encrypt", 0, 0)
                digest = sealing.encrypt(plain, target, keys)
            else:
                digest = _copy(plain, target, _Step(report, "write", total))
            plain.unlink()
            size = target.stat().st_size
            place.publish(target, digest, _Step(report, "read back", size).add)
    return Made(size, snapshot.rows, copied, missing, bool(keys))


class _Step:
    """Adds up the bytes of a step, and reports them."""

    def __init__(self, report: Report, name: str, total: int) -> None:
        self._report, self._name, self._total, self._done = report, name, total, 0

    def add(self, count: int) -> None:
        self._done += count
        self._report(self._name, self._done, self._total)


def _take(database: Database, folder: Path, report: Report) -> Snapshot:
    target = folder / "snapshot"
    target.mkdir()
    if database.is_sqlite:
        source = Path(str(database.url.database))
        rows = snapshot_sqlite.take(source, target / DATABASE, lambda done, total: report("snapshot", done, total))
        revision = snapshot_sqlite.revision(target / DATABASE)
        return Snapshot({"database": "sqlite", "revision": revision}, rows, target)
    # Imported here, so that a gateway on SQLite runs without psycopg.
    from app.services.backups import snapshot_postgresql

    step = _Step(report, "snapshot", 0)
    revision, tables = snapshot_postgresql.take(database.url, target, step.add)
    facts = {"database": "postgresql", "revision": revision, "tables": tables, "order": list(tables)}
    return Snapshot(facts, {name: told["rows"] for name, told in tables.items()}, target)


def _write(
    path: Path, facts: dict[str, Any], snapshot: Snapshot, ledger: Sequence[LedgerPart], files: MediaSource | None,
    report: Report,
) -> tuple[int, int]:  # fmt: skip
    sources = sorted(snapshot.folder.iterdir())
    step = _Step(report, "write", sum(each.stat().st_size for each in sources))
    copied = missing = 0
    with path.open("wb") as target:
        archive = ArchiveWriter(target, facts, step.add)
        for source in sources:
            archive.add_file(source.name if source.name == DATABASE else f"{TABLES}/{source.name}", source)
        for key in files.keys() if files else ():
            opened = files.open(key) if files else None
            if opened is None:
                missing += 1
                continue
            with opened[1] as stream:
                archive.add(f"{MEDIA}/{key}", stream, opened[0])
            copied += 1
        archive.add_bytes(ERASURES, _lines(ledger))
        archive.close()
        target.flush()
        os.fsync(target.fileno())
    return copied, missing


def _lines(ledger: Sequence[LedgerPart]) -> bytes:
    rows: list[dict[str, str]] = []
    for part in ledger:
        rows.append({"key": part.wrapped_key})
        rows += [{"hash": hash, "erased_at": at.isoformat()} for hash, at in part.hashes.items()]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _copy(source: Path, target: Path, step: _Step) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as reading, target.open("wb") as writing:
        while data := reading.read(1 << 20):
            digest.update(data)
            writing.write(data)
            step.add(len(data))
        writing.flush()
        os.fsync(writing.fileno())
    return digest.hexdigest()


@contextmanager
def _workroom(database: Database) -> Iterator[Path]:
    """A folder for this user alone, beside a SQLite database, whose disk has such data anyway; else as the system says.

    It is deleted in any case: what lies there is not encrypted.
    """
    beside = Path(str(database.url.database)).resolve().parent if database.is_sqlite else None
    for left in beside.glob(".backup-*") if beside else ():  # by a backup that was killed
        if left.stat().st_mtime < time.time() - LEFT_SECONDS:
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=beside) as folder:
        yield Path(folder)


@contextmanager
def _partial(place: Place, folder: Path) -> Iterator[Path]:
    """A file to write to before it is put in place. It is deleted if that does not happen."""
    target = (place.beside() or folder) / f".backup-{secrets.token_hex(4)}{PARTIAL}"
    try:
        yield target
    finally:
        target.unlink(missing_ok=True)
