"""Conversations: what was written between a contact and one of our numbers, and what the team keeps about it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, UtcDateTime


class Conversation(Base):
    """One contact and one of our numbers. Holds which message was last and what people do with the conversation.

    `unread` counts inbound messages since a person last saw the thread. `closed_at` is null while it is open.
    `assignee` is the id of a person. `waiting_since` is when the customer first wanted a person's answer and has none
    yet. Sends that failed after `failures_cleared_at` mark the conversation as failed. `touched_at` is when something
    last changed of which no event speaks: a send, or an act of a person.

    A conversation whose contact was merged into another stays without a contact, and `merged_into` names the one that
    holds everything, because people may have its address.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("contact_id", "phone_number_id"),
        Index("ix_conversations_last_message_at_id", "last_message_at", "id"),
        Index("ix_conversations_touched_at", "touched_at"),
        # Partial: few conversations are unread, and few wait, at any moment.
        Index(
            "ix_conversations_unread",
            "phone_number_id",
            "last_message_at",
            sqlite_where=text("unread > 0"),
            postgresql_where=text("unread > 0"),
        ),
        Index(
            "ix_conversations_waiting",
            "phone_number_id",
            sqlite_where=text("waiting_since IS NOT NULL"),
            postgresql_where=text("waiting_since IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    phone_number_id: Mapped[str] = mapped_column(Text)
    merged_into: Mapped[str | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    last_message_id: Mapped[str | None] = mapped_column(Id)
    last_message_at: Mapped[datetime] = mapped_column(UtcDateTime)
    unread: Mapped[int] = mapped_column(server_default="0")
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    assignee: Mapped[str | None] = mapped_column(Id)
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures_cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    touched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConversationNote(Base):
    """What a person wrote for the team. It is shown in the thread and never sent. `author` is an actor's name."""

    __tablename__ = "conversation_notes"
    __table_args__ = (Index("ix_conversation_notes_conversation_id_created_at", "conversation_id", "created_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    author: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Label(Base):
    """A word that people put on conversations. `colour` is `#rrggbb`."""

    __tablename__ = "labels"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    colour: Mapped[str] = mapped_column(String(7))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConversationLabel(Base):
    """A label on a conversation."""

    __tablename__ = "conversation_labels"

    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    label_id: Mapped[str] = mapped_column(ForeignKey("labels.id", ondelete="CASCADE"), primary_key=True, index=True)


class QuickReply(Base):
    """A text that agents insert by its shortcut, for one of our numbers or ("") for all of them."""

    __tablename__ = "quick_replies"
    __table_args__ = (UniqueConstraint("shortcut", "phone_number_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    shortcut: Mapped[str] = mapped_column(String(40))
    phone_number_id: Mapped[str] = mapped_column(Text, server_default="")
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Presence(Base):
    """A person who has a conversation open, seen last at `seen_at` and typing until `typing_until`. Kept for minutes.

    `name` is the person's, so that readers of this table need no other.
    """

    __tablename__ = "presences"

    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    typing_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
