"""Who may call the API."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, UtcDateTime


class ApiKey(Base):
    """A key, stored as its hash. `scopes` are of `send`, `read`, `admin`; `numbers`, if given, bound what it sees."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    hash: Mapped[str] = mapped_column(Text, unique=True)
    scopes: Mapped[list[str]] = mapped_column(JsonColumn)
    numbers: Mapped[list[str] | None] = mapped_column(JsonColumn)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class KeyUse(Base):
    """When the key of a name was last used on a `face`, `api` or `graph`. The settings' own key is `API_KEY`."""

    __tablename__ = "key_uses"

    key_name: Mapped[str] = mapped_column(Text, primary_key=True)
    face: Mapped[str] = mapped_column(String(8), primary_key=True)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
