"""Files of messages, and the contents that they share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, UtcDateTime


class Media(Base):
    """One file that a customer sent (`inbound`), or that the business sends (`outbound`).

    `state` is one of `domain.media.MediaState`; `reason` says why a file is not stored. `message_id` is our id of the
    message; None for an upload that no message has used yet. `declared_…` is what Meta or the uploader said, with the
    SHA-256 in hexadecimal; `mime_type` and `size` are those of the content once it is stored, and `sha256` then names
    the row of `media_files`. `url` is Meta's address of the file from the webhook, valid for minutes. After
    `expires_at` Meta has deleted its copy. `needed_until` is when the last send of a batch that names an upload without
    a message expires.
    """

    __tablename__ = "media"
    __table_args__ = (Index("ix_media_state_created_at", "state", "created_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    direction: Mapped[str] = mapped_column(String(8))
    phone_number_id: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str | None] = mapped_column(Id, index=True)
    meta_media_id: Mapped[str | None] = mapped_column(Text, index=True)
    url: Mapped[str | None] = mapped_column(Text)
    declared_type: Mapped[str | None] = mapped_column(Text)
    declared_sha256: Mapped[str | None] = mapped_column(String(64))
    filename: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    mime_type: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    stored_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    needed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MediaFile(Base):
    """A content in the vault, by its SHA-256 in hexadecimal: stored once for all rows of `media` that have it.

    `users` counts these rows; with the last of them this row and the file are deleted. `key` is the file's name in the
    vault, `thumbnail_key` that of its small picture (of a film: of its first one). `thumbnail` is `wanted`, `made`,
    `failed`, `missing` while the vault does not have the content, or None for a content that gets none.
    """

    __tablename__ = "media_files"
    __table_args__ = (
        Index("ix_media_files_thumbnail_created_at", "thumbnail", "created_at"),
        Index("ix_media_files_key", "key"),
        # Partial: only pictures and films have small ones.
        Index(
            "ix_media_files_thumbnail_key",
            "thumbnail_key",
            sqlite_where=text("thumbnail_key IS NOT NULL"),
            postgresql_where=text("thumbnail_key IS NOT NULL"),
        ),
    )

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(Id)
    size: Mapped[int] = mapped_column(BigInteger)
    mime_type: Mapped[str] = mapped_column(Text)
    codecs: Mapped[str | None] = mapped_column(Text)
    is_animated: Mapped[bool]
    users: Mapped[int]
    thumbnail: Mapped[str | None] = mapped_column(String(16))
    thumbnail_key: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
