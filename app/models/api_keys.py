"""API keys, and their last uses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, UtcDateTime


class ApiKey(Base):
    """An API key, stored as a hash. `scopes` are of `send`, `read`, `admin`; null `numbers` means all numbers."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    hash: Mapped[str] = mapped_column(Text, unique=True)
    scopes: Mapped[list[str]] = mapped_column(JsonColumn)
    numbers: Mapped[list[str] | None] = mapped_column(JsonColumn)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class KeyUse(Base):
    """When a key was last used, by name and by `face` (`api` or `graph`). `API_KEY` names the key of the settings."""

    __tablename__ = "key_uses"

    key_name: Mapped[str] = mapped_column(Text, primary_key=True)
    face: Mapped[str] = mapped_column(String(8), primary_key=True)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
