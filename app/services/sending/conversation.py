"""What a send has to do with the recipient's conversation: it is shown there, and may have been crossed by another."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.actors import SYSTEM, current_actor
from app.domain.outbound import OutboundRequest
from app.errors import AnsweredMeanwhile
from app.store import conversation_messages, conversations
from app.store.contact_numbers import RecipientState
from app.store.conversations import Activity


def sender_of(request: OutboundRequest) -> str | None:
    """Return who sends: who the request names, else the actor of this thread; None for the gateway itself."""
    return request.sent_by or (None if (actor := current_actor()) == SYSTEM else actor)


def record_in_conversation(
    session: Session,
    message_id: str,
    known: RecipientState | None,
    phone_number_id: str,
    request: OutboundRequest,
    now: datetime,
) -> None:
    """Let the recipient's conversation show the message. Must come last in its transaction, because it locks the row.

    Messages of batches and to groups are in no conversation's list.
    """
    if known is not None:
        answers = request.is_answer or (sender_of(request) or "").startswith("person:")
        activity = Activity(message_id, known.contact_id, phone_number_id, now, answers=answers)
        conversations.record_send(session, activity, now)


def check_not_crossed(session: Session, key: tuple[str, str], request: OutboundRequest) -> None:
    """Lock the conversation of a contact and number; raise `AnsweredMeanwhile` if others wrote to the customer after
    the message `request.seen`."""
    conversation_id = conversations.id_of(session, *key)
    place = conversation_messages.place_of(session, key, request.seen or "")
    if conversation_id is None or place is None:
        return
    conversations.lock(session, conversation_id)
    others = conversation_messages.written_by_others(session, key, place, sender_of(request))
    if others:
        raise AnsweredMeanwhile(meta={"messages": [{"id": row.id, "sent_by": row.sent_by} for row in others]})
