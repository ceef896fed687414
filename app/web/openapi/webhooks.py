"""What the gateway posts to endpoints, so that whoever receives it can have their part made, too."""

from __future__ import annotations

from typing import Any

from apispec import APISpec

from app.schemas.api.event_types import EVENT, BurstEvent
from app.schemas.api.receivers import EventBatch, Replies, TestEvent
from app.web.openapi.examples import EXAMPLES
from app.web.openapi.operations import ANY_OBJECT, given
from app.web.openapi.shapes import ShapesPlugin, reference

TAG = "Receiving"
_UNSIGNED = "Check the signature over the bytes as they came; anything but 2xx is tried again."

_SIGNED = (
    given("webhook-id", "header", "The event's id, the same at every try: what was done once need not be done again."),
    given("webhook-timestamp", "header", "When it was posted, in Unix seconds.", pattern="^[0-9]+$"),
    given(
        "webhook-signature",
        "header",
        "`v1,` and the base64 of the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`, made with the secret;"
        " while it is rotated there are two, with a space between them.",
    ),
    given(
        "X-Gateway-Replay", "header", "`true` for what somebody had delivered again.", required=False, enum=["true"]
    ),
)
_META_SIGNED = (
    given("X-Hub-Signature-256", "header", "`sha256=` and the HMAC of the body, made with the endpoint's secret."),
    _SIGNED[-1],
)


def describe(spec: APISpec) -> dict[str, Any]:
    """The section `webhooks` of a document, whose shapes are put among its components."""
    (plugin,) = spec.plugins
    assert isinstance(plugin, ShapesPlugin)
    event = reference(plugin.converter, EVENT)  # type: ignore[arg-type]
    test, burst, batch, replies = (_known(spec, each) for each in (TestEvent, BurstEvent, EventBatch, Replies))
    one = {"anyOf": [event, test]}
    posts = {
        "event": _post("receiveEvent", "One event", "to every endpoint of the format `event`", one, _SIGNED, replies),
        "burst": _post(
            "receiveBurst", "What a contact wrote without a pause", "to endpoints with `debounce_seconds`", burst,
            _SIGNED, replies,
        ),
        "events": _post("receiveEvents", "Several events at once", "to endpoints with `batch`", batch, _SIGNED, None),
        "notification": _post(
            "receiveMetaNotification", "Meta's own JSON", "to endpoints of the format `meta`", ANY_OBJECT,
            _META_SIGNED, replies,
        ),
    }  # fmt: skip
    return {"webhooks": posts}


def _post(
    name: str, what: str, to_whom: str, body: dict[str, Any], headers: tuple[Any, ...], answer: Any
) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": body}
    examples = EXAMPLES["webhooks"].get(name)
    if examples:
        content["examples"] = {key: {"value": value} for key, value in examples.items()}
    replied = {"application/json": {"schema": answer}} if answer else None
    return {
        "post": {
            "operationId": name,
            "tags": [TAG],
            "summary": what,
            "description": f"{what}: posted {to_whom}. {_UNSIGNED}",
            "parameters": list(headers),
            "requestBody": {"required": True, "content": {"application/json": content}},
            "responses": {
                "200": {"description": "It was taken"} | ({"content": replied} if replied else {}),
                "204": {"description": "It was taken, and there is nothing to say."},
                "4XX": {"description": "It was not taken, and is tried again; 410 ends the endpoint."},
            },
            "security": [],
        }
    }


def _known(spec: APISpec, schema: Any) -> dict[str, Any]:
    if schema.__name__ not in spec.components.schemas:
        spec.components.schema(schema.__name__, schema=schema)
    return {"$ref": f"#/components/schemas/{schema.__name__}"}
