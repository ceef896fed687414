"""Schemas of conversations."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.domain.known_names import MESSAGE_STATUSES, MESSAGE_TYPES
from app.schemas.api.lists import PageQuery
from app.schemas.api.query import Choice, Count, NumberId, Person, Plain, Query, Switch
from app.schemas.normalized_message import EveryKey, NormalizedContact, NormalizedMessage, UtcTime

STATES = ("open", "closed", "all")
SENDERS = ("customer", "person", "bot", "api", "phone")


class ConversationQuery(PageQuery):
    """Which conversations. Filters are combined by AND."""

    q = Plain(
        metadata={
            "description": "Words that the contact's name or a message must hold, or a phone number; the last word "
            "counts as a beginning."
        }
    )
    state = Choice(STATES, description="Open ones (the default), closed ones, or all.")
    unread = Switch("Whether customers wrote something that nobody has seen.")
    waiting = Switch("Whether the customer waits for a person's answer.")
    failed = Switch("Whether a send failed, expired or is held, and nobody has dealt with it.")
    assignee = Plain(metadata={"description": "The id of a person, or `none` for conversations without one."})
    label = Plain(metadata={"description": "The id of a label."})
    contact = Person(metadata={"description": "A contact's id, phone number or user id."})
    number = NumberId("Meta's id of one of our numbers.")


class ThreadQuery(Query):
    """Which part of a thread: the newest messages, or those before, after or around a message of ours."""

    limit = Count(1, 200, usual=50)
    before = Plain(metadata={"description": "Our id of a message: the ones before it, `previous` of a part."})
    after = Plain(metadata={"description": "Our id of a message: the ones after it, `next` of a part."})
    around = Plain(metadata={"description": "Our id of a message: it, and as many before as after it."})

    @validates_schema
    def check_place(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Raise `ValidationError` if more than one place is given."""
        given = [name for name in ("before", "after", "around") if name in data]
        if len(given) > 1:
            raise ValidationError(f"cannot be combined with `{given[0]}`; give one place", given[1])


class LabelAnswer(EveryKey):
    """A label."""

    id = fields.String()
    name = fields.String()
    colour = fields.String(metadata={"description": "`#rrggbb`."})


class LastMessageAnswer(EveryKey):
    """The newest message of a conversation."""

    id = fields.String()
    message = fields.String(metadata={"description": "Its text in one line."})
    message_type = fields.String(metadata={"enum": list(MESSAGE_TYPES)})
    direction = fields.String(metadata={"enum": ["inbound", "outbound"]})
    status = fields.String(metadata={"enum": list(MESSAGE_STATUSES)})
    timestamp = UtcTime()
    is_revoked = fields.Boolean()


class MatchAnswer(EveryKey):
    """The newest message of a conversation that matches a search."""

    message_id = fields.String(metadata={"description": "Our id: `around` of the thread begins there."})
    message = fields.String()
    timestamp = UtcTime()


class ConversationAnswer(EveryKey):
    """What a contact and one of our numbers wrote to each other, as a list shows it."""

    id = fields.String()
    contact = fields.Nested(NormalizedContact())
    phone_number_id = fields.String()
    last_message = fields.Nested(LastMessageAnswer(), allow_none=True)
    last_message_at = UtcTime(metadata={"description": "The order of the list."})
    last_inbound_at = UtcTime(allow_none=True)
    window_closes_at = UtcTime(
        allow_none=True, metadata={"description": "Until then anything may be sent, afterwards templates alone."}
    )
    is_window_open = fields.Boolean()
    unread = fields.Integer(metadata={"description": "Messages of the customer that nobody of the team has seen."})
    is_closed = fields.Boolean(metadata={"description": "The customer's next message opens it."})
    closed_at = UtcTime(allow_none=True)
    assignee = fields.String(allow_none=True, metadata={"description": "The id of a person."})
    waiting_since = UtcTime(
        allow_none=True,
        metadata={"description": "When the customer first wanted a person, who has not answered yet."},
    )
    has_failed = fields.Boolean(metadata={"description": "A send failed, expired or is held, and is to be looked at."})
    handled_by = fields.String(metadata={"enum": ["bot", "human"]})
    human_until = UtcTime(
        allow_none=True, metadata={"description": "When the bot answers again if no person writes until then."}
    )
    has_opted_out = fields.Boolean(metadata={"description": "The contact wants no marketing."})
    labels = fields.List(fields.Nested(LabelAnswer()))
    match = fields.Nested(
        MatchAnswer(), allow_none=True, metadata={"description": "Set by a search whose words are in a message."}
    )


class ReactionAnswer(EveryKey):
    """An emoji on a message."""

    id = fields.String(metadata={"description": "Our id of the reaction's own message."})
    emoji = fields.String()
    direction = fields.String(metadata={"enum": ["inbound", "outbound"]})
    timestamp = UtcTime()
    sent_by = fields.String(allow_none=True)


class QuotedAnswer(EveryKey):
    """The message that another one answers; only `message_id` is known if it is not stored."""

    id = fields.String(allow_none=True)
    message_id = fields.String(allow_none=True)
    direction = fields.String(allow_none=True, metadata={"enum": ["inbound", "outbound", None]})
    message_type = fields.String(allow_none=True)
    message = fields.String(allow_none=True)


class RevisionAnswer(EveryKey):
    """An edit or a revocation, with the text before it."""

    revoked = fields.Boolean()
    timestamp = UtcTime()
    previous = fields.String(allow_none=True)


class AttemptAnswer(EveryKey):
    """One attempt to send a message."""

    number = fields.Integer()
    state = fields.String(metadata={"enum": ["sending", "accepted", "refused", "unknown"]})
    started_at = UtcTime()
    finished_at = UtcTime(allow_none=True)
    error = fields.Dict(allow_none=True)


class Beside(EveryKey):
    """What a thread says of a message beside the message itself."""

    sender_kind = fields.String(
        metadata={
            "enum": list(SENDERS),
            "description": "Who wrote it: the customer, a person in the inbox, a bot (an app's answer or a Python "
            "handler), whoever holds an API key, or the business's own phone.",
        }
    )
    sent_by = fields.String(
        allow_none=True, metadata={"description": "`person:ID`, `key:NAME` or `endpoint:ID` of a send."}
    )
    held_for = fields.String(allow_none=True, metadata={"description": "Why the message is held."})
    batch_id = fields.String(allow_none=True)
    reactions = fields.List(fields.Nested(ReactionAnswer()))
    revisions = fields.List(fields.Nested(RevisionAnswer()))
    attempts = fields.List(fields.Nested(AttemptAnswer()))
    quoted = fields.Nested(QuotedAnswer(), allow_none=True)
    sent_at = UtcTime(allow_none=True)
    delivered_at = UtcTime(allow_none=True)
    read_at = UtcTime(allow_none=True)
    failed_at = UtcTime(allow_none=True)


class NoteAnswer(EveryKey):
    """What a person wrote for the team. It is never sent."""

    id = fields.String()
    author = fields.String(metadata={"description": "`person:ID` or `key:NAME`."})
    text = fields.String()
    created_at = UtcTime()


class ThreadMessageAnswer(NormalizedMessage, Beside):
    """A message of a thread: the message as everywhere, and what belongs beside it."""


class ThreadAnswer(EveryKey):
    """A part of a thread, oldest first."""

    conversation = fields.Nested(ConversationAnswer())
    data = fields.List(fields.Nested(ThreadMessageAnswer()))
    notes = fields.List(
        fields.Nested(NoteAnswer()), metadata={"description": "Those that were written between these messages."}
    )
    previous = fields.String(allow_none=True, metadata={"description": "`before` of the part with older messages."})
    next = fields.String(allow_none=True, metadata={"description": "`after` of the part with newer messages."})
