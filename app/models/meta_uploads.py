"""Files that were uploaded to Meta, so that one content is uploaded once for many sends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, JsonColumn, UtcDateTime


class MetaUpload(Base):
    """One content, by its SHA-256 in hexadecimal, as one business number sends it for one `purpose`
    (`domain.outbound_media.Purpose`).

    `meta_media_id` is Meta's id, which can be sent until `expires_at`; None while there is none. `tries` counts uploads
    that failed for the moment; the next is due at `due_at`. `error` is what a failed upload gave sends (`code`,
    `title`, `details`), for those that were queued before `failed_at`.
    """

    __tablename__ = "meta_uploads"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16), primary_key=True)
    meta_media_id: Mapped[str | None] = mapped_column(Text, index=True)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
