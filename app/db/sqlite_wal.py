"""Check whether the log beside a SQLite file, `whatsapp.db-wal`, belongs to this very file.

SQLite accepts any log that it finds. If a copy replaces the database while the old file's log is still there, SQLite
mixes the two at the first read and the result is damaged, at times without a sign. So this is checked before the file
is opened. Both formats are fixed: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_LOG_HEADER, _FRAME_HEADER, _PAGE_HEADER = 32, 24, 100
_SALTS = slice(16, 24)
_CHANGES, _BEATS = 24, 60
"""Offsets in the first page: SQLite's change counter, and `user_version`, which counts the workers' heartbeats."""

_TRIES = 5


def belongs(database: Path) -> bool:
    """Return whether the log beside `database`, if there is one, was begun on this file. Others may write to both
    meanwhile.

    Every change of the first page increments a counter in it. So the file's first page is either one of those in its
    log, or the state just before the first of them. A file that is not in WAL mode has no log of its own. A log without
    the first page is accepted. Raises `OSError` when the files cannot be read.
    """
    for _ in range(_TRIES):
        try:
            with Path(f"{database}-wal").open("rb") as log, database.open("rb") as file:
                begun = log.read(_LOG_HEADER)
                page = file.read(_PAGE_HEADER)  # read before the log, which only grows and has each page first
                firsts = list(_first_pages(log, begun))
                log.seek(0)
                if log.read(_LOG_HEADER) != begun:
                    continue  # another process began the log anew between the two reads
        except FileNotFoundError:
            return True
        return not firsts or len(page) < _PAGE_HEADER or _is_of(page, firsts)
    return True  # begun anew this often, it is in use, and its users have checked it


def _is_of(page: bytes, firsts: list[bytes]) -> bool:
    """Return whether a file that begins with `page` can be the one to which these changes were made."""
    if page[18] != 2:
        return False
    if page in firsts:
        return True
    # SQLite's counter counts several writes of one connection once; the workers' counter counts each heartbeat.
    return all((_number(firsts[0], place) - _number(page, place)) % 2**32 <= 1 for place in (_CHANGES, _BEATS))


def _number(page: bytes, place: int) -> int:
    return int.from_bytes(page[place : place + 4], "big")


def _first_pages(log: BinaryIO, begun: bytes) -> Iterator[bytes]:
    """Yield the beginnings of the first page, in the order of the frames in a log that begins with `begun`."""
    size = int.from_bytes(begun[8:12], "big") or 65536
    place = _LOG_HEADER
    while len(begun) == _LOG_HEADER:
        log.seek(place)
        frame = log.read(_FRAME_HEADER + _PAGE_HEADER)
        if len(frame) < _FRAME_HEADER + _PAGE_HEADER or frame[8:16] != begun[_SALTS]:
            return  # the end of the log, or the rest of an earlier log in this file
        if frame[:4] == b"\0\0\0\1":
            yield frame[_FRAME_HEADER:]
        place += _FRAME_HEADER + size
