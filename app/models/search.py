"""The search index of messages and contacts.

Messages are indexed shortly after they were written, many at a time, because indexing costs more than storing them. A
trigger of the database queues each new or changed message, so that no code path can forget it; another deletes the
words of deleted messages. On SQLite, triggers on `message_documents` maintain the full-text index `search_index`; on
PostgreSQL it is an index of that name. See migration 0004.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Sequence

WordsColumn = Text().with_variant(TSVECTOR(), "postgresql")


class MessageDocument(Base):
    """The words of one message. `docid` ascends with the message's time, so that the newest messages come first."""

    __tablename__ = "message_documents"

    docid: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=False)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    words: Mapped[str] = mapped_column(WordsColumn)


class MessageIndexQueue(Base):
    """A message that is to be indexed. It may have been deleted meanwhile."""

    __tablename__ = "unsearched_messages"

    message_id: Mapped[str] = mapped_column(Id, primary_key=True)


class ContactWord(Base):
    """A word of one of a contact's names, or `@` and its username. A trigger deletes it with the contact.

    Compared byte by byte, so that a prefix is a range of words.
    """

    __tablename__ = "contact_words"

    word: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True)
    contact_id: Mapped[str] = mapped_column(Id, primary_key=True, index=True)


class ContactIndexQueue(Base):
    """A contact that is to be indexed; triggers insert it. It may have been deleted meanwhile."""

    __tablename__ = "unsearched_contacts"

    contact_id: Mapped[str] = mapped_column(Id, primary_key=True)
