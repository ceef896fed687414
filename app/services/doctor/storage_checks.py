"""Checks of what is stored, and where: database, folders, room on the disks, backups."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from app.db.failures import Trouble
from app.db.remedies import explain
from app.errors import Unavailable
from app.services.doctor.context import DoctorContext
from app.services.doctor.types import Found, fail, ok, skipped, warn
from app.services.operations import Health, check_health
from app.store import upkeep

REMOTE = frozenset("nfs nfs4 cifs smb3 smbfs 9p ceph glusterfs fuse.sshfs fuse.glusterfs fuse.s3fs afs ncpfs".split())
"""Types of file systems on other machines, where SQLite's locks and its shared memory cannot be relied on."""

LEAST_BYTES = 200_000_000
"""Below this much room a check fails: a log file, a backup or a burst of files may take it within hours."""

FULL = 0.8


def health(context: DoctorContext) -> Health:
    """Return the state of the database and the worker; asked once."""
    found: Health = context.answers.get(("health",), lambda: check_health(context.database, context.now()))
    return found


def database(context: DoctorContext) -> Iterator[Found]:
    """Find a database that cannot be reached, is not migrated, or cannot be written."""
    state = health(context)
    kind = "SQLite" if context.database.is_sqlite else "PostgreSQL"
    if state.database and state.schema:
        yield ok(f"{kind} is migrated, can be read and written.")
    elif state.reason == Trouble.NO_TABLES:
        yield fail("The database is not migrated.", "Run: flask migrate (./run.sh does it at each start).")
    else:
        yield fail(f"{kind}: {state.reason}.", _remedy(context, state.reason or ""))


def _remedy(context: DoctorContext, reason: str) -> str:
    try:
        with context.database.read() as session:
            session.connection()
    except Unavailable as error:
        return explain(error.__cause__, context.database.url) or "See DATABASE_URL."
    known = {
        Trouble.READ_ONLY: "Run the gateway as the user who owns the file, and make file and folder writable.",
        Trouble.FULL: "Make room on its disk; nothing more can be stored until then.",
        Trouble.LOCKED: "End the other program that holds the database (a copy job, an open sqlite3).",
        Trouble.LATER_SCHEMA: "Start the later release, or put a backup back: flask restore.",
    }
    return next((remedy for trouble, remedy in known.items() if trouble == reason), "See DATABASE_URL.")


def database_disk(context: DoctorContext) -> Iterator[Found]:
    """Find a SQLite file on another machine's disk."""
    if not context.database.is_sqlite:
        yield skipped("PostgreSQL keeps its own files.")
        return
    folder = Path(context.database.url.database or "").parent
    kind = file_system(folder.resolve(), _mounts())
    if kind in REMOTE:
        yield fail(
            f"The database is on a file system of another machine ({kind}), where two processes can damage it.",
            "Move it to a local disk and set DATABASE_URL, or use PostgreSQL.", str(folder),
        )  # fmt: skip
    else:
        yield ok(f"The database is on a local disk{f' ({kind})' if kind else ''}.")


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text()
    except OSError:
        return ""


def file_system(folder: Path, mounts: str) -> str:
    """Return the type of the file system that a folder is on, by `/proc/mounts`; empty if that is not known."""
    found = ("", "")
    for line in mounts.splitlines():
        parts = line.split()
        if len(parts) < 3:
            continue
        place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), parts[1])
        if folder.is_relative_to(place) and len(place) >= len(found[0]):
            found = (place, parts[2])
    return found[1]


def room(context: DoctorContext) -> Iterator[Found]:
    """Find disks that are nearly full, each once."""
    seen = set()
    for folder in _folders(context).values():
        there = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
        try:
            usage, device = shutil.disk_usage(there), os.stat(there).st_dev
        except OSError:
            continue
        if device in seen:
            continue
        seen.add(device)
        share = usage.used / max(usage.used + usage.free, 1)
        text = f"{usage.free // 1_000_000:,} MB free, {share:.0%} used."
        remedy = "Make room: shorten RETENTION_…_DAYS (docs/privacy.md), move backups, or use a larger disk."
        if usage.free < LEAST_BYTES:
            yield fail(text, remedy, str(there))
        elif share >= FULL:
            yield warn(text, remedy, str(there))
        else:
            yield ok(text, str(there))


def _folders(context: DoctorContext) -> dict[str, Path]:
    config = context.config
    found = {"LOG_DIR": Path(config.log_dir)}
    if context.database.is_sqlite:
        found["DATABASE_URL"] = Path(context.database.url.database or "").parent
    if config.keeps_media and not config.media_s3_bucket:
        found["MEDIA_DIR"] = Path(config.media_dir)
    if config.backup_dir:
        found["BACKUP_DIR"] = Path(config.backup_dir)
    return found


def log_folder(context: DoctorContext) -> Iterator[Found]:
    """Find a log folder that is not there, or cannot be written."""
    yield _folder("LOG_DIR", Path(context.config.log_dir))


def media_folder(context: DoctorContext) -> Iterator[Found]:
    """Find a folder of files that is not there or cannot be written, and a disk that is thrown away."""
    config = context.config
    if not config.keeps_media:
        yield warn(
            "Files of messages are not kept: this host throws its disk away, and no bucket is set.",
            "Set MEDIA_S3_BUCKET (docs/media.md).",
        )
    elif config.media_s3_bucket:
        yield ok("Files of messages are in a bucket.")
    else:
        yield _folder("MEDIA_DIR", Path(config.media_dir))


def _folder(setting: str, folder: Path) -> Found:
    if not folder.exists():
        there = next((each for each in folder.parents if each.exists()), Path("/"))
        if os.access(there, os.W_OK | os.X_OK):
            return warn(
                "The folder is not there yet; it is made at its first use.", f"Run: mkdir -p {folder}", str(folder),
                "folders",
            )  # fmt: skip
        text = "The folder is not there, and this user cannot make it."
        return fail(text, f"Make it, or set {setting}.", str(folder))
    if not folder.is_dir():
        return fail("This is no folder.", f"Move the file away, or set {setting}.", str(folder))
    if not os.access(folder, os.W_OK | os.X_OK):
        return fail(
            "This user cannot write in it.", f"Run, as its owner: chown -R <user> {folder}; or set {setting}.",
            str(folder),
        )  # fmt: skip
    return ok("It is there, and can be written.", str(folder))


def backups(context: DoctorContext) -> Iterator[Found]:
    """Find snapshots that are late, and that none are made."""
    config = context.config
    if not config.backup_dir:
        yield warn("No snapshots are made.", "Set BACKUP_DIR to a folder on another disk (docs/backup.md).")
        return
    bad = _folder("BACKUP_DIR", Path(config.backup_dir))
    if bad.state == "fail":
        yield bad
        return
    with context.database.read() as session:
        begun, written = upkeep.find(session, upkeep.SNAPSHOT), upkeep.find(session, upkeep.SNAPSHOT_WRITTEN)
    since = written.at if written else begun.at if begun else None
    late = timedelta(hours=2 * config.backup_every_hours)
    if since is not None and context.now() - since > late:
        told = f"{since:%Y-%m-%d %H:%M} UTC" if written else "never"
        yield fail(
            f"The last snapshot was written: {told}.",
            "See the worker's log for the reason; try one by hand: flask backup.", config.backup_dir,
        )  # fmt: skip
    else:
        yield ok("Snapshots are written in time." if written else "The first snapshot is not due yet.")
