"""Tell from an error of a database whether its state, and not the statement, is the cause."""

from __future__ import annotations

import errno
import sqlite3
from enum import StrEnum
from typing import Any


class Trouble(StrEnum):
    """Why a database cannot be used now, in words for a person."""

    AWAY = "the database cannot be reached"
    SLOW = "the database does not answer in time"
    READ_ONLY = "the database cannot be written: it is read-only"
    FULL = "the database cannot be written: there is no room left"
    LOCKED = "the database cannot be written: something else holds its lock"
    HANGS = "the database cannot be written: its disk does not answer"
    NOT_OURS = "the database's file cannot be opened: it is not there, or not this user's; the gateway's own user can"
    NO_TABLES = "the database is not migrated; run `flask migrate`"
    LATER_SCHEMA = "a later release brought the database to a schema that this release cannot use; start the later one"
    OTHERS_LOG = (
        "another file's log lies beside the database, as when a copy was put in its place; stop the gateway, move"
        " whatsapp.db-wal and whatsapp.db-shm away (delete neither yet), and start it again"
    )
    DAMAGED = "the database's file is damaged, or its disk fails"


SQLSTATES = {
    "25006": Trouble.READ_ONLY,
    "25P03": Trouble.AWAY,  # this process was frozen in a transaction, and the server ended the connection
    "53100": Trouble.FULL,
    "57014": Trouble.SLOW,
    "55P03": Trouble.LOCKED,
    "40001": Trouble.LOCKED,
    "40P01": Trouble.LOCKED,
    "42P01": Trouble.NO_TABLES,
}
CLASSES = {"08": Trouble.AWAY, "53": Trouble.AWAY, "57": Trouble.AWAY, "58": Trouble.DAMAGED}
"""Classes, the first two characters of an SQLSTATE: lost connections; too many connections, out of memory; a server
that shuts down or starts up; errors of its disk."""

SQLITE = {
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_BUSY: Trouble.LOCKED,
    sqlite3.SQLITE_LOCKED: Trouble.LOCKED,
    sqlite3.SQLITE_CANTOPEN: Trouble.NOT_OURS,
    sqlite3.SQLITE_IOERR: Trouble.DAMAGED,
    sqlite3.SQLITE_CORRUPT: Trouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: Trouble.DAMAGED,
}
ERRNOS = {
    errno.EROFS: Trouble.READ_ONLY,
    errno.ENOSPC: Trouble.FULL,
    errno.EDQUOT: Trouble.FULL,
    errno.EACCES: Trouble.NOT_OURS,
    errno.EPERM: Trouble.NOT_OURS,
    errno.ENOENT: Trouble.NOT_OURS,
}


def of_driver(error: Any) -> Trouble | None:
    """Return what a driver's error says about the database's state; None if it says nothing about it."""
    state = getattr(error, "sqlstate", None)
    if state:
        return SQLSTATES.get(state) or CLASSES.get(state[:2])
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_ERROR and "no such table" in str(error):
        return Trouble.NO_TABLES
    if code is not None:
        return SQLITE.get(code & 0xFF)  # the higher bits only add detail
    return None


def of_system(error: OSError) -> Trouble:
    """Return what a system error at a file of the database says about the database's state."""
    return ERRNOS.get(error.errno or 0, Trouble.AWAY)
