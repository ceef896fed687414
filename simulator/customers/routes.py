"""`/simulator/api/chats` and `…/customers`: everything a customer can do with their phone."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from flask import Response, abort, jsonify, request

from simulator.control.blueprint import chat_of, control_blueprint, customer_of, request_object
from simulator.customers import actions, writing
from simulator.customers.chats import Chat
from simulator.customers.sample_files import SAMPLES
from simulator.graph.media.store import MIME_TYPES
from simulator.world.phone_numbers import digits_of
from simulator.world.simulator import current

blueprint = control_blueprint("customer")
_LONGEST_WAIT = 25.0
_SHOWN = 200
_SHOWN_INLINE = ("image/", "audio/", "video/")


@blueprint.get("/chats/<phone_number_id>/<wa_id>")
def chat(phone_number_id: str, wa_id: str) -> Response:
    """A chat as the customer sees it; with `after` and `wait`, once it has changed past that version."""
    found = chat_of(phone_number_id, wa_id)
    wait = min(request.args.get("wait", 0.0, float), _LONGEST_WAIT)
    if wait > 0:
        current().world.wait_for_change(found, request.args.get("after", 0, int), wait)
    return jsonify(_chat_json(found))


@blueprint.post("/chats/<phone_number_id>/<wa_id>/messages")
def write(phone_number_id: str, wa_id: str) -> tuple[Response, int]:
    """Write as the customer: `type`, the object of that name as Meta's webhooks have it, and `quoted_id` of a reply.

    Files come as `file` (`data` in base64, `mime_type`, `filename`), or as `"sample": true`.
    """
    body, found = request_object(), chat_of(phone_number_id, wa_id)
    kind = body.get("type")
    if not isinstance(kind, str) or not kind:
        abort(400, "Give a `type` and the content under that name.")
    content = body.get(kind)
    if "file" in body or body.get("sample"):
        content = {**_file_content(found, kind, body), **(content or {})}
    if content is None:
        abort(400, "Give a `type` and the content under that name.")
    message = writing.write(current(), found, kind, content, body.get("quoted_id"))
    return jsonify({"id": message.id, "version": found.version}), 201


@blueprint.post("/chats/<phone_number_id>/<wa_id>/echoes")
def write_from_business_phone(phone_number_id: str, wa_id: str) -> tuple[Response, int]:
    """Write as the business from its own phone, which an app hears of as an echo."""
    body, found = request_object(), chat_of(phone_number_id, wa_id)
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in body:
        abort(400, "Give a `type` and the content under that name.")
    return jsonify({"id": writing.echo(current(), found, kind, body[kind]).id}), 201


@blueprint.post("/chats/<phone_number_id>/<wa_id>/actions")
def act(phone_number_id: str, wa_id: str) -> Response:
    """Do an `action`: block, unblock, stop_marketing or resume_marketing."""
    found, action = chat_of(phone_number_id, wa_id), request_object().get("action")
    if action in ("block", "unblock"):
        actions.block(current(), found, blocked=action == "block")
    elif action in ("stop_marketing", "resume_marketing"):
        actions.want_marketing(current(), found, wanted=action == "resume_marketing")
    else:
        abort(400, "There is no such action.")
    return jsonify(_chat_json(found))


@blueprint.post("/chats/<phone_number_id>/<wa_id>/played")
def played(phone_number_id: str, wa_id: str) -> Response:
    """Play a voice note of the business's, by its `message_id`."""
    actions.play(current(), chat_of(phone_number_id, wa_id), str(request_object().get("message_id")))
    return jsonify({"success": True})


@blueprint.patch("/customers/<wa_id>")
def change_customer(wa_id: str) -> Response:
    """Change a person: `name username shows_number on_whatsapp sends_read_receipts`, or another number as `wa_id`."""
    person, body = customer_of(wa_id), request_object()
    number = body.pop("wa_id", None)
    if number is not None and not 5 <= len(digits_of(str(number))) <= 15:
        abort(400, "That is no phone number.")
    if not actions.change(current(), person, body):
        abort(400, "Some of that cannot be changed.")
    if number is not None:
        actions.change_number(current(), person, digits_of(str(number)))
    return jsonify(person.to_json())


@blueprint.get("/files/<media_id>")
def file(media_id: str) -> Response:
    """A file of either side, for the page to show."""
    simulator = current()
    found = simulator.world.media.find(media_id, simulator.world.now())
    if found is None:
        abort(404, "There is no such file any more.")
    response = Response(found.content, mimetype=found.mime_type)
    response.headers["X-Content-Type-Options"] = "nosniff"
    if not found.mime_type.startswith(_SHOWN_INLINE):
        response.headers["Content-Disposition"] = "attachment"
    return response


def _file_content(found: Chat, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    if body.get("sample"):
        if kind not in SAMPLES:
            abort(400, "There is no sample of that type.")
        sample = SAMPLES[kind]()
        return writing.keep_file(current(), found, kind, sample.mime_type, sample.content, sample.filename)
    given = body["file"] if isinstance(body["file"], dict) else {}
    mime_type = str(given.get("mime_type", ""))
    bare = mime_type.partition(";")[0]
    if bare not in MIME_TYPES and (kind != "document" or not bare):
        abort(400, "WhatsApp carries no files of that type; as a `document` it carries any.")
    try:
        content = base64.b64decode(str(given.get("data", "")), validate=True)
    except binascii.Error:
        abort(400, "Give the file's `data` in base64.")
    return writing.keep_file(current(), found, kind, mime_type, content, given.get("filename"))


def _chat_json(found: Chat) -> dict[str, Any]:
    simulator = current()
    with simulator.world.lock:
        return {
            "version": found.version,
            "business": found.number.verified_name,
            "business_number": found.number.display_phone_number,
            "customer": found.customer.to_json(),
            "has_blocked": found.number.phone_number_id in found.customer.has_blocked,
            "stopped_marketing": found.number.phone_number_id in found.customer.stopped_marketing,
            "business_types": found.business_types_until > simulator.world.now(),
            "messages": [message.to_json() for message in found.messages[-_SHOWN:]],
        }
