"""Does the log beside a SQLite file, `whatsapp.db-wal`, belong to this very file?

SQLite believes every log that it finds. A copy put in the place of the database while the log of the old one is still
beside it is mixed with that at the first look, and what comes of it is damaged, at times without a sign. So this is
asked before the file is opened. Both formats are fixed: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_LOG_HEADER, _FRAME_HEADER, _PAGE_HEADER = 32, 24, 100
_SALTS = slice(16, 24)
_CHANGES, _BEATS = 24, 60
"""In the first page SQLite's own count of changes, and `user_version`, by which workers count in each beat."""

_TRIES = 5


def belongs(database: Path) -> bool:
    """Whether the log beside `database`, if there is one, was begun on this file. Others may write to both meanwhile.

    Whoever changes the first page counts up in it. So the file's first page is one of those in its log, or is the one
    that the first of these was made of. A file that is in no mode for logs has none. A log that says nothing of the
    first page is believed. Raises `OSError` when the files cannot be read.
    """
    for _ in range(_TRIES):
        try:
            with Path(f"{database}-wal").open("rb") as log, database.open("rb") as file:
                begun = log.read(_LOG_HEADER)
                page = file.read(_PAGE_HEADER)  # before the log, which only grows: what is in the file is in the log
                firsts = list(_first_pages(log, begun))
                log.seek(0)
                if log.read(_LOG_HEADER) != begun:
                    continue  # begun anew by another process in between
        except FileNotFoundError:
            return True
        return not firsts or len(page) < _PAGE_HEADER or _is_of(page, firsts)
    return True  # begun anew so often that it is in use, and whoever uses it has asked


def _is_of(page: bytes, firsts: list[bytes]) -> bool:
    """Whether a file that begins with `page` can be the one that these changes of it were made to."""
    if page[18] != 2:
        return False
    if page in firsts:
        return True
    # What SQLite counts there counts a connection that writes again and again once; what workers count, each beat.
    return all((_number(firsts[0], place) - _number(page, place)) % 2**32 <= 1 for place in (_CHANGES, _BEATS))


def _number(page: bytes, place: int) -> int:
    return int.from_bytes(page[place : place + 4], "big")


def _first_pages(log: BinaryIO, begun: bytes) -> Iterator[bytes]:
    """The beginnings of the first page, in the order in which they were written to a log that begins with `begun`."""
    size = int.from_bytes(begun[8:12], "big") or 65536
    place = _LOG_HEADER
    while len(begun) == _LOG_HEADER:
        log.seek(place)
        frame = log.read(_FRAME_HEADER + _PAGE_HEADER)
        if len(frame) < _FRAME_HEADER + _PAGE_HEADER or frame[8:16] != begun[_SALTS]:
            return  # its end, or what is left of an earlier log in the same file
        if frame[:4] == b"\0\0\0\1":
            yield frame[_FRAME_HEADER:]
        place += _FRAME_HEADER + size
