"""Business numbers of the gateway, in addition to the one of the settings."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime


class Number(Base):
    """A business number. Token and app secrets are stored encrypted and never shown.

    `app` is the Meta app of the number: webhooks about the number must be signed with that app's secret. `rate` is the
    number of messages per second that Meta allows it; null for the setting `MESSAGES_PER_SECOND`.
    """

    __tablename__ = "numbers"

    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    display_phone_number: Mapped[str | None] = mapped_column(Text)
    waba_id: Mapped[str | None] = mapped_column(Text)
    app: Mapped[str] = mapped_column(Text)
    access_token: Mapped[str | None] = mapped_column(Text)
    app_secrets: Mapped[str | None] = mapped_column(Text)
    rate: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
