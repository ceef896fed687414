"""People who write on WhatsApp: an identity of our own, and the names Meta knows it by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Sequence, UtcDateTime


class Contact(Base):
    """A person. `event_count` is the number of events so far, which gives each its place in the person's order.

    `name` is what the person calls themselves, `given_name` what the team does.
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
    """One name of a contact: `kind` is `wa_id`, `user_id` or `parent_user_id`. No two contacts of a realm share one.

    `app` is the realm: the Meta app through whose numbers the person is known, "" for the settings' own.
    It is theirs from `since` to `until`, where those are set: a phone number that somebody gave up goes to somebody
    else in time.
    """

    __tablename__ = "contact_aliases"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    app: Mapped[str] = mapped_column(Text, primary_key=True, server_default="")
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ContactNumber(Base):
    """A contact as one of our numbers knows it: when it last spoke to us there, what it wished about marketing, and
    who answers it.

    `opted_out` is the newest wish, `wished_at` when it was made and `wish` how; all null while there was none.
    `agent_at` is when a person last answered or took over, `returned_at` when the bot last got the contact back.
    """

    __tablename__ = "contact_numbers"
    __table_args__ = (Index("ix_contact_numbers_phone_number_id_contact_id", "phone_number_id", "contact_id"),)

    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True)
    phone_number_id: Mapped[str] = mapped_column(Text, primary_key=True)
    last_inbound_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opted_out: Mapped[bool | None]
    wished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wish: Mapped[str | None] = mapped_column(String(16))
    agent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    returned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
