"""Explain why the database cannot be used: what failed, where, and what to do about it.

The texts are ours. A driver's own may contain a statement, or the part of a password that a malformed address turns
into a host name; of the address only host, port, database and role are shown.
"""

from __future__ import annotations

import re

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db.write_lock import WriteLockTimeout

_NOT_MIGRATED = "The database is not migrated yet. Run `whatsapp-service migrate`."

# PostgreSQL's codes. A refused connection has no code, only a text, so that each has a pattern as well.
_POSTGRESQL = (
    ("28P01", r"password authentication failed", "{server} refuses the password of the role {role}. Correct it in"
     " DATABASE_URL; special characters are percent-encoded there (@ as %40)."),
    ("", r"no password supplied", "{server} asks for a password, and DATABASE_URL has none:"
     " postgresql://{role}:password@host/name."),
    ("28000", r"role .* does not exist|is not permitted to log in", "{server} does not know the role {role}, or it may"
     " not log in. Correct DATABASE_URL, or run there: CREATE ROLE … LOGIN PASSWORD …"),
    ("28000", r"no pg_hba\.conf entry", "{server} admits no connection of the role {role} from this machine. Add it to"
     " pg_hba.conf there, or write ?sslmode=require behind DATABASE_URL if it wants TLS."),
    ("3D000", r"database .* does not exist", "{server} has no database {database}. Create it there, as by `createdb"
     " {database}`, or correct DATABASE_URL."),
    ("42501", r"permission denied", "{server} lets the role {role} make no tables in {database}. Run there: GRANT"
     " CREATE ON SCHEMA public TO … (or make the role the database's owner)."),
    ("53300", r"too many clients|connection slots|too many connections", "{server} has no connection left. Close some,"
     " raise max_connections there, or set a smaller DATABASE_POOL_SIZE."),
    ("57P03", r"starting up|shutting down|in recovery mode", "{server} is starting or stopping. Try again in a"
     " moment."),
    ("25006", r"read-only transaction", "{server} takes no changes now: it is read-only, as a standby is. Correct"
     " DATABASE_URL, or make it writable."),
    ("42P01", r"relation .* does not exist", _NOT_MIGRATED),
    ("", r"unsupported startup parameter", "{server} is a pooler, and refuses what DATABASE_URL asks for at the start"
     " of a connection. Take `options=` out of DATABASE_URL; the gateway needs none."),
    ("", r"failed to resolve host|could not translate host name|Name or service not known", "The host in DATABASE_URL"
     " cannot be found. Correct it; an @ or / in the password must be written %40 or %2F."),
    ("", r"Connection refused|No such file or directory", "Nothing listens at {place}. Start PostgreSQL there, or"
     " correct host and port in DATABASE_URL."),
    ("", r"timeout expired|timed out|No route to host|unreachable", "{server} does not answer. Is it running, and does"
     " a firewall let this machine through?"),
    ("", r"SSL|certificate|TLS", "{server} and DATABASE_URL do not agree about TLS: see sslmode there."),
)  # fmt: skip

_SQLITE = {
    "SQLITE_CANTOPEN": "The database's file cannot be opened. This user must be able to write in its folder; see"
    " DATABASE_URL.",
    "SQLITE_READONLY": "This user may not write the database's file. Run this as the user who runs the gateway.",
    "SQLITE_FULL": "The disk is full. Nothing more can be kept until there is room.",
    "SQLITE_BUSY": "Another process holds the database's file. Nothing but the gateway should keep it open.",
    "SQLITE_LOCKED": "Another process holds the database's file. Try again.",
    "SQLITE_IOERR": "The disk cannot be read or written. See the system's log.",
    "SQLITE_NOTADB": "The file that DATABASE_URL names is no SQLite database.",
    "SQLITE_CORRUPT": "The database's file is damaged. Stop the gateway and restore a backup.",
}


def explain(error: BaseException | None, url: URL) -> str | None:
    """Return what is wrong and what to do, or None for an error that is not known here."""
    if isinstance(error, WriteLockTimeout):
        return "Another process of the gateway is writing for very long. Try again in a moment."
    if isinstance(error, PoolTimeout):
        return "All connections to the database are in use. Try again in a moment, or raise DATABASE_POOL_SIZE."
    if isinstance(error, OSError):
        return "The database's folder cannot be written to by this user; see DATABASE_URL."
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None  # for example a mistake in our code
    if url.get_backend_name() == "sqlite":
        return _of_sqlite(error.orig)
    return _of_postgresql(error, url)


def _of_sqlite(error: BaseException) -> str | None:
    if "no such table" in str(error) or "no such column" in str(error):
        return _NOT_MIGRATED
    name = str(getattr(error, "sqlite_errorname", ""))
    return next((words for known, words in _SQLITE.items() if name.startswith(known)), None)


def _of_postgresql(error: DBAPIError, url: URL) -> str | None:
    code, text = getattr(error.orig, "sqlstate", None), str(error.orig)
    place = f"{url.host or 'the local socket'}" + (f":{url.port}" if url.port else "")
    parts = {
        "place": place,
        "server": f"PostgreSQL at {place}",
        "database": url.database or "(none)",
        "role": url.username or "(none)",
    }
    for known, pattern, words in _POSTGRESQL:
        if (code and code == known) or (not code and re.search(pattern, text)):
            return words.format(**parts)
    if not isinstance(error, OperationalError):
        return None  # a mistake in a statement
    what = f"refuses ({code})" if code else "cannot be connected to"
    return f"{parts['server']} {what}. Its log says why, and so does `psql` with the address in DATABASE_URL."
