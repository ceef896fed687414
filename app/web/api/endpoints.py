"""The user's apps, and what they are sent. For `admin`: an endpoint is where everybody's messages go."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema

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
from app.schemas.api.lists import list_of
from app.schemas.api.service import DoneAnswer
from app.services.delivering import replay_dead, replay_event, replay_range
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.bodies import read_object
from app.web.context import gateway
from app.web.openapi.operations import describe

bp = requires("admin", Blueprint("endpoints", __name__, url_prefix="/api/endpoints"))

_ANSWER = EndpointAnswer()


@bp.get("")
@describe("listEndpoints", "Endpoints", {200: list_of(EndpointAnswer)})
def index() -> ResponseReturnValue:
    """List endpoints, newest first."""
    return paging.page(_ANSWER.dump(gateway().manage_endpoints.list(), many=True), None)


@bp.post("")
@describe("addEndpoint", "Endpoints", {201: NewEndpointAnswer}, body=EndpointRequest)
def add() -> ResponseReturnValue:
    """Add an endpoint. Every event from now on is owed to it, as far as it wants it."""
    row, secret = gateway().manage_endpoints.add(read_object(EndpointRequest()))
    body: dict[str, Any] = NewEndpointAnswer(exclude=("secret",)).dump(row)
    return body | {"secret": secret}, 201


@bp.get("/<endpoint_id>")
@describe("getEndpoint", "Endpoints", {200: EndpointAnswer})
def show(endpoint_id: str) -> ResponseReturnValue:
    """Show one endpoint, and how it is doing."""
    return _dump(_ANSWER, gateway().manage_endpoints.find(endpoint_id))


@bp.patch("/<endpoint_id>")
@describe("changeEndpoint", "Endpoints", {200: EndpointAnswer}, body=EndpointChange, errors=(409, 503))
def change(endpoint_id: str) -> ResponseReturnValue:
    """Change an endpoint. What is left out stays."""
    return _dump(_ANSWER, gateway().manage_endpoints.change(endpoint_id, read_object(EndpointChange())))


@bp.delete("/<endpoint_id>")
@describe("removeEndpoint", "Endpoints", {200: DoneAnswer}, errors=(409, 503))
def remove(endpoint_id: str) -> ResponseReturnValue:
    """Remove an endpoint. What it was still owed is dead."""
    gateway().manage_endpoints.remove(endpoint_id)
    return {"success": True}


@bp.post("/<endpoint_id>/test")
@describe("testEndpoint", "Endpoints", {200: TestAnswer}, errors=(409, 503))
def test(endpoint_id: str) -> ResponseReturnValue:
    """Try an endpoint: post a `gateway.test` now; say what came of it, and what is seen of the latest messages."""
    return _dump(TestAnswer(), gateway().manage_endpoints.test(endpoint_id, caller().name))


@bp.post("/<endpoint_id>/rotate-secret")
@describe(
    "rotateEndpointSecret", "Endpoints", {200: SecretAnswer}, body=SecretRequest, needs_body=False, errors=(409, 503)
)
def rotate_secret(endpoint_id: str) -> ResponseReturnValue:
    """Give an endpoint another secret. For 24 hours what is posted is signed with both."""
    given = read_object(SecretRequest()) if request.content_length else {}
    return _dump(
        SecretAnswer(), {"secret": gateway().manage_endpoints.rotate_secret(endpoint_id, given.get("secret"))}
    )


@bp.post("/<endpoint_id>/replay")
@describe("replayEvents", "Endpoints", {202: ReplayAnswer}, body=ReplayRequest)
def replay(endpoint_id: str) -> ResponseReturnValue:
    """Deliver events again, marked `X-Gateway-Replay: true`, beside what is new and never in its way."""
    asked = read_object(ReplayRequest())
    gateway().manage_endpoints.find(endpoint_id)
    database, now = gateway().database, gateway().now()
    if "event_id" in asked:
        count = replay_event(database, endpoint_id, asked["event_id"], now)
    elif "dead" in asked:
        count = replay_dead(database, endpoint_id, now)
    else:
        count = replay_range(database, endpoint_id, now, since=asked["since"], until=asked.get("until"))
    return _dump(ReplayAnswer(), {"count": count}), 202


def _dump(schema: Schema, thing: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = schema.dump(thing)
    return dumped
