"""What a message's content must match that is not in the message: files, templates, and the state of the chat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.customers.chats import Chat
from simulator.graph.errors import GraphRefusal
from simulator.graph.media.contents import problem_with
from simulator.graph.templates.filling import fill_template
from simulator.graph.templates.store import Template
from simulator.settings import BusinessNumber
from simulator.world.simulator import Simulator

_FILES = ("image", "video", "audio", "document", "sticker")


def check_media(simulator: Simulator, number: BusinessNumber, body: dict[str, Any]) -> None:
    """Refuse an id that is no file of this number's."""
    for kind, media_id in media_ids(body):
        file = simulator.world.media.find(media_id, simulator.world.now())
        if file is None or file.phone_number_id != number.phone_number_id:
            details = f"Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
            raise GraphRefusal(100, details, f"(#100) {details}")


def check_template(
    simulator: Simulator, number: BusinessNumber, body: dict[str, Any]
) -> tuple[Template | None, dict[str, Any] | None]:
    """The template a body names and what the customer will read; nothing for every other type."""
    content = body.get("template")
    if content is None:
        return None, None
    template = simulator.world.templates.find(number.waba_id, content["name"], content["language"]["code"])
    shown = fill_template(template, content)
    if template and template.category == "AUTHENTICATION" and body.get("to") is None:
        raise GraphRefusal(131062, "Authentication templates cannot be sent to a business-scoped user id")
    return template, shown


def late_refusal(simulator: Simulator, chat: Chat, body: dict[str, Any], category: str) -> GraphRefusal | None:
    """Why Meta will report this message as failed after accepting it, if it will."""
    world, number = simulator.world, chat.number.phone_number_id
    fault = world.faults.draw(("fail",), to=chat.customer.wa_id)
    if fault:
        return GraphRefusal(fault.code, "The simulator was told to fail this.")
    account = world.standing.account(chat.number.waba_id)
    if account.lacks_payment:
        return GraphRefusal(131042, "There is a problem with the payment method of the account.")
    if account.is_restricted:
        return GraphRefusal(131031, "The account is locked.")
    if not chat.customer.on_whatsapp or number in chat.customer.has_blocked:
        return GraphRefusal(131026, "Message Undeliverable.")
    if category == "marketing" and number in chat.customer.stopped_marketing:
        return GraphRefusal(131050, "The user has stopped marketing messages from this business.")
    if category == "service" and simulator.settings.enforce_window and not chat.window_is_open(world.now()):
        details = "Message failed to send because more than 24 hours have passed since the customer last replied."
        return GraphRefusal(131047, details)
    for kind, media_id in media_ids(body):
        file = world.media.find(media_id, world.now())
        problem = problem_with(file, kind) if file else None
        if problem:
            return GraphRefusal(131053, problem)
    return None


def media_ids(content: Any) -> Iterator[tuple[str, str]]:
    """Each file that a body names by id, anywhere inside, with the kind it is sent as."""
    if isinstance(content, list):
        for item in content:
            yield from media_ids(item)
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        if key in _FILES and isinstance(value, dict) and value.get("id"):
            yield key, value["id"]
        yield from media_ids(value)
