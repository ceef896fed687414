"""People who work in the inbox: their sign-in links and their sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, JsonColumn, UtcDateTime


class StoredPerson(Base):
    """A person of the team. `role` is `agent` or `admin`; null `numbers` means all numbers.

    `name_key` is the name without differences of case, by which a name is unique. Null `language` and `theme` mean
    what the browser asks for.
    """

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Text, unique=True)
    role: Mapped[str] = mapped_column(String(16))
    numbers: Mapped[list[str] | None] = mapped_column(JsonColumn)
    language: Mapped[str | None] = mapped_column(String(16))
    theme: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignInLink(Base):
    """A link by which a person signs in once. Only the hash of its token is stored."""

    __tablename__ = "sign_in_links"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(Id, ForeignKey("people.id", ondelete="CASCADE"), index=True)
    hash: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PersonSession(Base):
    """A browser in which a person is signed in. Only the hash of its cookie is stored."""

    __tablename__ = "person_sessions"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(Id, ForeignKey("people.id", ondelete="CASCADE"), index=True)
    hash: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
