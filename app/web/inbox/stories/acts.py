"""What can be done to a message, from its story."""

from __future__ import annotations

from flask import abort, request
from flask.typing import ResponseReturnValue

from app.services.delivering import find_delivery, replay_event, retry_delivery
from app.services.events import find_subjects
from app.services.messages import find_message
from app.web.context import gateway
from app.web.inbox.house.blueprint import back_to, seen_numbers
from app.web.inbox.stories.blueprint import admin_bp, bp

ACTS = {"retry": "retried", "cancel": "cancelled", "mark-sent": "marked"}


@bp.post("/<message_id>/<act>")
def act(message_id: str, act: str) -> ResponseReturnValue:
    """Retry a message, cancel it, or mark it as sent."""
    if act not in ACTS:
        abort(404)
    service, numbers = gateway().actions, seen_numbers()
    if act == "retry":
        service.retry(message_id, numbers)
    elif act == "cancel":
        service.cancel(message_id, numbers)
    else:
        service.mark_sent(message_id, numbers)
    return back_to("inbox_story.show", ACTS[act], message_id=message_id)


@admin_bp.post("/<message_id>/deliveries/<delivery_id>/retry")
def retry_a_delivery(message_id: str, delivery_id: str) -> ResponseReturnValue:
    """Try to deliver an event about the message again. For admins."""
    message = find_message(gateway().database, message_id, seen_numbers())
    if not delivery_id.isascii() or not delivery_id.isdigit() or len(delivery_id) > 18:
        abort(404)
    row, _ = find_delivery(gateway().database, int(delivery_id))
    _must_be_about(row.event_id, message.id)
    retry_delivery(gateway().database, row.id, gateway().now())
    return back_to("inbox_story.show", "retried", message_id=message.id)


@admin_bp.post("/<message_id>/events/<event_id>/replay")
def replay(message_id: str, event_id: str) -> ResponseReturnValue:
    """Deliver an event about the message again, to the endpoint that the form names. For admins."""
    message = find_message(gateway().database, message_id, seen_numbers())
    _must_be_about(event_id, message.id)
    endpoint = gateway().manage_endpoints.find(request.form.get("endpoint", ""))
    replay_event(gateway().database, endpoint.id, event_id, gateway().now())
    return back_to("inbox_story.show", "replayed", message_id=message.id)


def _must_be_about(event_id: str, message_id: str) -> None:
    subject = find_subjects(gateway().database, [event_id]).get(event_id)
    if subject is None or subject.message_id != message_id:
        abort(404)
