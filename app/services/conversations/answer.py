"""Answer a customer for the team: queue a message unless somebody else answered meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.db.database import Database
from app.domain.handover import HandledBy
from app.domain.outbound import Mode, OutboundRequest, Priority
from app.errors import NotFound
from app.services.contacts import HandOver
from app.services.conversations.acts import ConversationActs
from app.services.conversations.read import ReadConversations
from app.services.idempotency import Retry
from app.services.sending import SendMessage, Sent
from app.store import conversation_messages
from app.store.conversations import Numbers


class AnswerConversation:
    """Answers conversations through the queue, with the priority of replies."""

    def __init__(
        self,
        database: Database,
        read: ReadConversations,
        acts: ConversationActs,
        send: SendMessage,
        hand_over: HandOver,
    ) -> None:
        self._database = database
        self._read = read
        self._acts = acts
        self._send = send
        self._hand_over = hand_over

    def __call__(
        self,
        conversation_id: str,
        build: Callable[[dict[str, Any]], OutboundRequest],
        numbers: Numbers,
        *,
        seen: str | None = None,
        anyway: bool = False,
        retry: Retry | None = None,
    ) -> Sent:
        """Queue an answer, and hand the contact to a person.

        `build` makes the request from the address to send to (`to` or `recipient`, and `phone_number_id`). `seen` is
        our id of the newest message of the thread that the sender has seen: what came before counts as seen by the
        team, and unless `anyway`, this raises `AnsweredMeanwhile` if anybody else has written to the customer after it.
        Two answers at the same moment do not cross unnoticed, because both lock the conversation. Also raises
        `NotFound` and the errors of `SendMessage`.
        """
        conversation = self._read.one(conversation_id, numbers)
        contact = conversation.contact
        request = build(
            {
                **({"to": f"+{contact.wa_id}"} if contact.wa_id else {"recipient": contact.user_id}),
                "phone_number_id": conversation.phone_number_id,
            }
        )
        if seen is not None:
            self._check_place(conversation.contact.id, conversation.phone_number_id, seen)
        request = replace(
            request,
            mode=Mode.QUEUED,
            priority=Priority.REPLY,
            is_answer=True,
            seen=None if anyway else seen,
        )
        sent = self._send(request, numbers, retry)
        self._hand_over(contact.id, HandledBy.HUMAN, conversation.phone_number_id, numbers, has_answered=True)
        if seen is not None:
            self._acts.mark_seen(conversation.id, seen, numbers)
        return sent

    def _check_place(self, contact_id: str, phone_number_id: str, message_id: str) -> None:
        with self._database.read() as session:
            key = (contact_id, phone_number_id)
            if "\x00" in message_id or conversation_messages.place_of(session, key, message_id) is None:
                raise NotFound("This conversation has no message with this id.")
