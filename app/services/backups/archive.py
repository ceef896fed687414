"""The archive of a backup: a gzipped tar, whose last member lists the SHA-256 of all others.

| member | what |
|---|---|
| `backup.json` | first: what this is, and how it was made |
| `database.sqlite`, or `tables/<name>` | the snapshot: SQLite's file, or each table as PostgreSQL's COPY writes it |
| `media/<key>` | files that the snapshot names |
| `erasures.jsonl` | the ledger of erased people |
| `manifest.json` | last: size and SHA-256 of each member |

Whatever is read is checked against this list of names before it is written anywhere: an archive is input from outside.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from app.errors import Malformed

FIRST, LAST = "backup.json", "manifest.json"
DATABASE, ERASURES = "database.sqlite", "erasures.jsonl"
TABLES, MEDIA = "tables", "media"
FORMAT = 1
_NAME = re.compile(
    r"backup\.json|manifest\.json|database\.sqlite|erasures\.jsonl|tables/[a-z_][a-z0-9_]*|media/[A-Za-z0-9_./-]+"
)
_CHUNK = 1 << 20
LONGEST_JSON = 64 << 20

Progress = Callable[[int], None]
"""Called with the number of bytes that were just read or written."""


def ignore_progress(_count: int) -> None:
    """Tell nobody."""


class ArchiveWriter:
    """Writes the members of an archive in order. `close` writes the list of them."""

    def __init__(self, target: IO[bytes], facts: dict[str, Any], progress: Progress = ignore_progress) -> None:
        self._zip = gzip.GzipFile(fileobj=target, mode="wb", compresslevel=1, mtime=0)
        self._tar = tarfile.open(fileobj=self._zip, mode="w|", format=tarfile.PAX_FORMAT)
        self._progress = progress
        self._members: dict[str, dict[str, Any]] = {}
        self.add_bytes(FIRST, _json({"format": FORMAT, **facts}))

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a short member."""
        self.add(name, io.BytesIO(data), len(data))

    def add_file(self, name: str, path: Path) -> None:
        """Add a file. Raises `OSError`."""
        with path.open("rb") as file:
            self.add(name, file, path.stat().st_size)

    def add(self, name: str, source: IO[bytes], size: int) -> None:
        """Add a member of exactly `size` bytes. Raises `OSError` if there are fewer."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        reader = _Hashing(source, self._progress)
        self._tar.addfile(info, reader)
        self._members[name] = {"size": size, "sha256": reader.hash.hexdigest()}

    def close(self) -> None:
        """Write the list of members and the archive's end."""
        data = _json({"members": self._members})
        info = tarfile.TarInfo(LAST)
        info.size, info.mode = len(data), 0o600
        self._tar.addfile(info, io.BytesIO(data))
        self._tar.close()
        self._zip.close()


class _Hashing:
    """Passes on what is read, and hashes it."""

    def __init__(self, source: IO[bytes], progress: Progress) -> None:
        self._source, self._progress = source, progress
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.hash.update(data)
        self._progress(len(data))
        return data


def read_archive(
    source: IO[bytes], folder: Path | None = None, progress: Progress = ignore_progress
) -> dict[str, Any]:
    """Read an archive to its end, check every member, and return the facts of its first member.

    With a folder, members are written below it, under their names. Raises `Malformed` for what is no whole, unchanged
    backup of ours, and `OSError`.
    """
    found: dict[str, dict[str, Any]] = {}
    facts: dict[str, Any] = {}
    listed: dict[str, Any] | None = None
    try:
        packed = gzip.GzipFile(fileobj=source)
        with closing(tarfile.open(fileobj=packed, mode="r|")) as tar:
            for info, stream in _members(tar):
                if listed is not None:
                    raise Malformed("The backup goes on after its end.")
                if info.name in (FIRST, LAST):
                    data = stream.read(LONGEST_JSON)
                    found[info.name] = _told(hashlib.sha256(data), len(data))
                    if info.name == FIRST:
                        facts = _checked(json.loads(data))
                    else:
                        listed = json.loads(data)["members"]
                else:
                    found[info.name] = _copy(stream, folder / info.name if folder else None, progress)
        while packed.read(_CHUNK):  # to its end, where its checksum is
            pass
    except (tarfile.TarError, EOFError, ValueError, KeyError, gzip.BadGzipFile, zlib.error) as error:
        raise Malformed("This is no backup of the gateway, or it was cut off or changed.") from error
    found.pop(LAST, None)
    if not facts or listed != found:
        raise Malformed("The backup was cut off or changed: its members are not those that it lists.")
    return facts


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    seen: set[str] = set()
    for info in tar:
        stream = tar.extractfile(info) if info.isreg() else None
        is_ours = _NAME.fullmatch(info.name) and ".." not in info.name and "//" not in info.name
        if stream is None or not is_ours or info.name in seen or (not seen and info.name != FIRST):
            raise Malformed("The backup holds something that no backup of the gateway holds.")
        seen.add(info.name)
        yield info, stream


def _copy(stream: IO[bytes], path: Path | None, progress: Progress) -> dict[str, Any]:
    digest, size, file = hashlib.sha256(), 0, None
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("xb")
    try:
        while data := stream.read(_CHUNK):
            digest.update(data)
            size += len(data)
            progress(len(data))
            if file is not None:
                file.write(data)
    finally:
        if file is not None:
            file.close()
    return _told(digest, size)


def _told(digest: Any, size: int) -> dict[str, Any]:
    return {"size": size, "sha256": digest.hexdigest()}


def _checked(facts: Any) -> dict[str, Any]:
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise Malformed("This backup has a format that this release does not read.")
    return facts


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
