"""The one thing SQLAlchemy has no common word for: insert what is not there yet."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.models import Base
from app.models.base import table


def insert_new(session: Session, model: type[Base]) -> Any:
    """An INSERT that skips rows whose unique key is taken. With `.returning(…)` it tells which were new."""
    name = session.get_bind().dialect.name
    statement = (postgresql if name == "postgresql" else sqlite).insert(table(model))
    return statement.on_conflict_do_nothing()
