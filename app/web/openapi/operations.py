"""What each route takes and answers. What it is for, its view's docstring says; who may call it, its blueprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from app.schemas.api.actions import ActionAnswer
from app.schemas.api.alerts import AlertAnswer, AlertQuery
from app.schemas.api.batches import BatchAnswer, BulkAnswer, BulkRequest
from app.schemas.api.contacts import ContactAnswer, ContactChange, ContactExport, ContactQuery, HandoverRequest
from app.schemas.api.deliveries import DeliveryAnswer, DeliveryDetails, DeliveryQuery
from app.schemas.api.endpoints import (
    EndpointAnswer,
    EndpointChange,
    EndpointRequest,
    NewEndpointAnswer,
    ReplayAnswer,
    ReplayRequest,
    SecretAnswer,
    SecretRequest,
    TestAnswer,
)
from app.schemas.api.events import EventAnswer, EventQuery
from app.schemas.api.graph import GraphError, HandleAnswer, UploadAnswer, UploadRequest
from app.schemas.api.lists import PageQuery, list_of
from app.schemas.api.messages import MessageQuery, RetryQuery
from app.schemas.api.notifications import NotificationAnswer, NotificationDetails, NotificationQuery
from app.schemas.api.numbers import CheckAnswer, NumberAnswer, NumberChange, NumberRequest
from app.schemas.api.selections import DoneManyAnswer, RetryRequest, SelectionRequest
from app.schemas.api.service import AliveAnswer, DoneAnswer, ReadyAnswer, ServiceAnswer
from app.schemas.api.stats import StatsAnswer, StatsQuery
from app.schemas.api.timeline import Timeline
from app.schemas.normalized_message import NormalizedMessage
from app.schemas.send import SendMessageRequest, SendMessageResponse

Answer = type[Schema] | str
"""A schema for JSON, else a media type."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route.

    `answers` are those that are no error, by status; `errors` are statuses beside those that follow from the rest: 401
    and 403 with a key, 404 with an id in the path, 422 with a key too, since whatever the query holds and `query` does
    not name is refused (see `web.query`), 400, 413 and 415 with a body. `scope` is for a route that asks for a key
    although its blueprint is open. A body is JSON unless `body_type` says otherwise.
    """

    answers: dict[int, Answer]
    query: type[Schema] | None = None
    body: type[Schema] | dict[str, Any] | None = None
    body_type: str = "application/json"
    errors: tuple[int, ...] = (503,)
    scope: str | None = None
    parameters: tuple[dict[str, Any], ...] = ()

    @property
    def is_graphs(self) -> bool:
        """Whether the route is of the Graph-compatible face, whose queries and errors are Graph's."""
        return GraphError in self.answers.values()


def _given(name: str, place: str, description: str, *, required: bool = True) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": place, "description": description, "required": required, "schema": schema}


_HANDSHAKE = (
    _given("hub.mode", "query", "`subscribe`."),
    _given("hub.verify_token", "query", "`WHATSAPP_VERIFY_TOKEN`."),
    _given("hub.challenge", "query", "What Meta wants back."),
)
_SIGNATURE = _given("X-Hub-Signature-256", "header", "`sha256=` and the HMAC of the body, made with the app secret.")
KEY = _given("Idempotency-Key", "header", "The same key, the same request: done once.", required=False)
_NOTIFICATION = {"type": "object", "description": "Meta's notification. Any bytes with a good signature are kept."}
_OBJECT = {"type": "object", "description": "As Meta documents it."}
_FORM = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary"}, "type": {"type": "string"}},
    "required": ["file"],
}
_BYTES = {"type": "string", "format": "binary"}
_OFFSET = _given("file_offset", "header", "Where in the file the body begins.", required=False)


def _graph(scope: str, answer: Answer = "application/json", **more: Any) -> Operation:
    """A route of the Graph-compatible face: errors have Graph's shape there."""
    answers: dict[int, Answer] = {status: GraphError for status in (400, 401, 403, 404, 409, 413, 429, 500, 503)}
    return Operation({200: answer, **answers}, errors=(), scope=scope, **more)


OPERATIONS: dict[str, Operation] = {
    "index.index": Operation({200: ServiceAnswer}, errors=()),
    "health.alive": Operation({200: AliveAnswer}, errors=()),
    "health.ready": Operation({200: ReadyAnswer, 503: ReadyAnswer}, errors=()),
    "metrics.show": Operation({200: "text/plain"}),
    "openapi.document": Operation({200: "application/json"}, errors=()),
    "openapi.events": Operation({200: "application/json"}, errors=()),
    "openapi.page": Operation({200: "text/html"}, errors=()),
    "whatsapp.handshake": Operation({200: "text/plain", 403: "text/plain"}, errors=(), parameters=_HANDSHAKE),
    "whatsapp.receive": Operation(
        {200: AliveAnswer}, body=_NOTIFICATION, errors=(401, 413, 503), parameters=(_SIGNATURE,)
    ),
    "whatsapp.send": Operation(
        {200: SendMessageResponse, 202: SendMessageResponse},
        body=SendMessageRequest,
        errors=(404, 409, 429, 502, 503),
        scope="send",
    ),
    "messages.index": Operation({200: list_of(NormalizedMessage)}, query=MessageQuery),
    "messages.show": Operation({200: NormalizedMessage}),
    "messages.timeline": Operation({200: Timeline}),
    "message_actions.read": Operation({200: DoneAnswer}, errors=(409, 422, 429, 502, 503)),
    "message_actions.typing": Operation({200: DoneAnswer}, errors=(409, 422, 429, 502, 503)),
    "message_actions.retry": Operation({202: ActionAnswer}, query=RetryQuery, errors=(409, 422, 503)),
    "message_actions.cancel": Operation({200: ActionAnswer}, errors=(409, 503)),
    "message_actions.mark_sent": Operation({200: ActionAnswer}, errors=(409, 503)),
    "message_actions.release_many": Operation({200: DoneManyAnswer}, body=SelectionRequest),
    "message_actions.retry_many": Operation({200: DoneManyAnswer}, body=RetryRequest),
    "message_actions.cancel_many": Operation({200: DoneManyAnswer}, body=SelectionRequest),
    "batches.index": Operation({200: list_of(BatchAnswer)}, query=PageQuery),
    "batches.show": Operation({200: BatchAnswer}),
    "batch_actions.add": Operation({202: BulkAnswer}, body=BulkRequest, errors=(404, 503)),
    "batch_actions.pause": Operation({200: BatchAnswer}, errors=(409, 503)),
    "batch_actions.resume": Operation({200: BatchAnswer}, errors=(409, 503)),
    "batch_actions.cancel": Operation({200: BatchAnswer}, errors=(409, 503)),
    "batch_actions.retry_failed": Operation({200: BatchAnswer}, errors=(409, 503)),
    "contacts.index": Operation({200: list_of(ContactAnswer)}, query=ContactQuery),
    "contacts.show": Operation({200: ContactAnswer}),
    "contact_editing.change": Operation({200: ContactAnswer}, body=ContactChange),
    "contact_editing.hand_over": Operation({200: ContactAnswer}, body=HandoverRequest),
    "contact_erasing.erase": Operation({200: DoneAnswer}),
    "contact_exporting.export": Operation({200: ContactExport}),
    "endpoints.index": Operation({200: list_of(EndpointAnswer)}),
    "endpoints.add": Operation({201: NewEndpointAnswer}, body=EndpointRequest),
    "endpoints.show": Operation({200: EndpointAnswer}),
    "endpoints.change": Operation({200: EndpointAnswer}, body=EndpointChange, errors=(409, 503)),
    "endpoints.remove": Operation({200: DoneAnswer}, errors=(409, 503)),
    "endpoints.test": Operation({200: TestAnswer}, errors=(409, 503)),
    "endpoints.rotate_secret": Operation({200: SecretAnswer}, body=SecretRequest, errors=(409, 503)),
    "endpoints.replay": Operation({202: ReplayAnswer}, body=ReplayRequest),
    "deliveries.index": Operation({200: list_of(DeliveryAnswer)}, query=DeliveryQuery),
    "deliveries.show": Operation({200: DeliveryDetails}),
    "deliveries.retry": Operation({202: DeliveryAnswer}, errors=(409, 503)),
    "stats.show": Operation({200: StatsAnswer}, query=StatsQuery, errors=(404, 503)),
    "events.index": Operation({200: list_of(EventAnswer)}, query=EventQuery, errors=(410, 429, 503)),
    "media.content": Operation({200: "*/*"}, errors=(422, 429, 502, 503)),
    "alerts.index": Operation({200: list_of(AlertAnswer)}, query=AlertQuery),
    "notifications.index": Operation({200: list_of(NotificationAnswer)}, query=NotificationQuery),
    "notifications.show": Operation({200: NotificationDetails}),
    "notifications.replay": Operation({202: NotificationAnswer}),
    "notifications.raw": Operation({200: "application/octet-stream"}),
    "numbers.index": Operation({200: list_of(NumberAnswer)}),
    "numbers.show": Operation({200: NumberAnswer}),
    "number_changes.add": Operation({201: NumberAnswer}, body=NumberRequest),
    "number_changes.change": Operation({200: NumberAnswer}, body=NumberChange, errors=(409, 503)),
    "number_changes.remove": Operation({200: DoneAnswer}, errors=(409, 503)),
    "number_changes.check": Operation({200: CheckAnswer}),
    "graph.send": _graph("send", body=_OBJECT),
    "graph.upload": _graph("send", body=_FORM, body_type="multipart/form-data"),
    "graph.download": _graph("read", "*/*", parameters=(_given("mid", "query", "The file's id."),)),
    "graph.start_upload": _graph("send", UploadAnswer, query=UploadRequest),
    "graph.append_to_upload": _graph(
        "send", HandleAnswer, body=_BYTES, body_type="application/octet-stream", parameters=(_OFFSET,)
    ),
    "graph.show_upload": _graph("send", UploadAnswer),
    "graph.exchange_token": _graph("", body=_OBJECT),
    "graph.exchange_token_by_query": _graph(""),
    "graph.show_me": _graph("read"),
    "graph.debug_token": _graph("read", parameters=(_given("input_token", "query", "The key to look at."),)),
    "graph.list_subscriptions": _graph("admin"),
    "graph.subscribe": _graph("admin", body=_OBJECT),
    "graph.unsubscribe": _graph("admin"),
    "graph.read": _graph("read"),
    "graph.change": _graph("admin", body=_OBJECT),
    "graph.delete": _graph("send"),
    "graph.read_edge": _graph("read"),
    "graph.change_edge": _graph("admin", body=_OBJECT),
    "graph.delete_edge": _graph("admin"),
    "graph.read_item": _graph("read"),
    "graph.change_item": _graph("admin", body=_OBJECT),
    "graph.delete_item": _graph("admin"),
    "graph.nothing": _graph("read"),
    "graph.nothing_to_change": _graph("admin"),
    "graph.nothing_to_delete": _graph("admin"),
}
"""By endpoint. A route that is missing here fails the tests."""
