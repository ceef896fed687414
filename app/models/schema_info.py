"""Which releases the schema serves."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class SchemaInfo(Base):
    """One row, written with each migration: a release needs a revision of `serves_since` or later, its own."""

    __tablename__ = "schema_info"

    id: Mapped[int] = mapped_column(primary_key=True)
    serves_since: Mapped[str] = mapped_column(String(32))
