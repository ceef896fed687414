"""The version of the registries: endpoints, numbers and API keys."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.database import Database
from app.models import RegistryVersion
from app.models.base import table
from app.store.dialect import insert_or_update

_TABLE = table(RegistryVersion)
_ONLY = 1
_VERSION = select(_TABLE.c.version).where(_TABLE.c.id == _ONLY)


def bump(session: Session) -> None:
    """Increase the version, because this transaction changes a registry. The functions of `store` that change one call
    it themselves."""
    statement = insert_or_update(session, RegistryVersion).values(id=_ONLY, version=1)
    changed = {"version": _TABLE.c.version + 1}
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))


def version(session: Session) -> int:
    """Return the version as this transaction sees it; 0 before the first change."""
    return session.scalar(_VERSION) or 0


def look_version(database: Database) -> int:
    """Return the current version, read without a session. Raises `Unavailable`."""
    return database.look(_VERSION, {}) or 0
