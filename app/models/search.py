"""What messages are found by when somebody looks for words.

The words of a message are written a moment after the message itself, many at a time: on the way in they would cost
more than the message. A trigger of the database notes which messages wait, so that no way of writing one can forget to;
others take a message's words away with it, and have changed words read again. On SQLite a full-text index,
`search_index`, hangs on `message_documents` by triggers; on PostgreSQL it is an index of that name. See migration 0004.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Sequence

WordsColumn = Text().with_variant(TSVECTOR(), "postgresql")


class MessageDocument(Base):
    """The words of one message. `docid` ascends with the message's time, so that the newest are found first."""

    __tablename__ = "message_documents"

    docid: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=False)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    words: Mapped[str] = mapped_column(WordsColumn)


class UnsearchedMessage(Base):
    """A message whose words are still to be written. It may be gone by the time somebody does."""

    __tablename__ = "unsearched_messages"

    message_id: Mapped[str] = mapped_column(Id, primary_key=True)


class ContactWord(Base):
    """A word of one of a contact's names, or `@` and its username; gone with the contact by a trigger.

    Compared byte by byte, so that beginnings are ranges.
    """

    __tablename__ = "contact_words"

    word: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True)
    contact_id: Mapped[str] = mapped_column(Id, primary_key=True, index=True)


class UnsearchedContact(Base):
    """A contact whose words are still to be written; triggers note it. It may be gone by the time somebody does."""

    __tablename__ = "unsearched_contacts"

    contact_id: Mapped[str] = mapped_column(Id, primary_key=True)
