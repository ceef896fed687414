"""The releases that work with the database's schema."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class SchemaInfo(Base):
    """One row, updated by each migration: releases whose own revision is `serves_since` or later can use the schema."""

    __tablename__ = "schema_info"

    id: Mapped[int] = mapped_column(primary_key=True)
    serves_since: Mapped[str] = mapped_column(String(32))
