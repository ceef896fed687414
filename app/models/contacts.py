"""Contacts: persons on WhatsApp with an id of ours, and the aliases by which Meta names them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Sequence, UtcDateTime


class Contact(Base):
    """A person on WhatsApp. `event_count` is the number of their events so far; it gives the next `contact_sequence`.

    `name` is the person's own profile name, `given_name` the name that the team gave them.
    """

    __tablename__ = "contacts"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    wa_id: Mapped[str | None] = mapped_column(Text)
    user_id: Mapped[str | None] = mapped_column(Text)
    parent_user_id: Mapped[str | None] = mapped_column(Text)
    username: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    given_name: Mapped[str | None] = mapped_column(Text)
    notes: Mapped[str | None] = mapped_column(Text)
    event_count: Mapped[int] = mapped_column(Sequence, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ContactAlias(Base):
    """One id of Meta's for a contact: `kind` is `wa_id`, `user_id` or `parent_user_id`. Unique within a realm.

    `app` is the realm: the Meta app through whose numbers the person is known, "" for the app of the settings. The
    alias belongs to the contact from `since` to `until`, where those are set, because operators reassign phone numbers.
    """

    __tablename__ = "contact_aliases"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    app: Mapped[str] = mapped_column(Text, primary_key=True, server_default="")
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ContactNumber(Base):
    """The state of a contact for one of our numbers: last inbound activity, consent to marketing, and who answers.

    `opted_out` is the newest consent, `consent_at` when it was given and `consent_source` how; all are null before.
    `agent_at` is when a person last answered or took over, `returned_at` when the bot last got the contact back.
    """

    __tablename__ = "contact_numbers"
    __table_args__ = (Index("ix_contact_numbers_phone_number_id_contact_id", "phone_number_id", "contact_id"),)

    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True)
    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    last_inbound_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opted_out: Mapped[bool | None]
    consent_at: Mapped[datetime | None] = mapped_column("wished_at", UtcDateTime, key="consent_at")
    consent_source: Mapped[str | None] = mapped_column("wish", String(16), key="consent_source")
    agent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    returned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
