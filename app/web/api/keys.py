"""API keys: made, listed and revoked. A key's text is shown once, when it is made."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.lists import list_of
from app.schemas.api.people import CurrentKeyAnswer, KeyAnswer, KeyRequest, NewKeyAnswer
from app.schemas.api.service import DoneAnswer
from app.services.registries import SCOPES
from app.web import query
from app.web.api import paging
from app.web.auth import caller, header_key, identify, open_to_all, requires
from app.web.bodies import read_object
from app.web.context import gateway
from app.web.openapi.operations import describe

bp = requires("admin", Blueprint("keys", __name__, url_prefix="/api/keys"))
current = open_to_all(Blueprint("current_key", __name__, url_prefix="/api/keys/current"))

_ANSWER, _NEW, _REQUEST, _CURRENT = KeyAnswer(), NewKeyAnswer(), KeyRequest(), CurrentKeyAnswer()


@bp.get("")
@describe("listKeys", "Keys", {200: list_of(KeyAnswer)})
def index() -> ResponseReturnValue:
    """List keys, those that were revoked too; not `API_KEY` of the settings."""
    return paging.page(_ANSWER.dump(gateway().api_keys.all(), many=True), None)


@bp.post("")
@describe("addKey", "Keys", {201: NewKeyAnswer}, body=KeyRequest)
def add() -> ResponseReturnValue:
    """Make a key. Its text is not shown again."""
    asked = read_object(_REQUEST)
    key = gateway().api_keys.make(asked["name"], asked["scopes"], asked.get("numbers"))
    made = next(row for row in gateway().api_keys.all() if row.name == asked["name"])
    dumped: dict[str, Any] = _NEW.dump(made)
    return {**dumped, "key": key}, 201


@bp.delete("/<key_name>")
@describe("revokeKey", "Keys", {200: DoneAnswer})
def revoke(key_name: str) -> ResponseReturnValue:
    """Revoke a key. Once this is answered, every process refuses it."""
    gateway().api_keys.revoke(key_name)
    return {"success": True}


@current.get("")
@describe("getCurrentKey", "Keys", {200: CurrentKeyAnswer}, scope="read")
def show_current() -> ResponseReturnValue:
    """Show what the key of this request may do. Any key may ask."""
    identify(header_key())
    query.check()  # which blueprints that are open to all leave out
    scopes = [each for each in SCOPES if caller().may(each)]
    numbers = caller().numbers
    found: dict[str, Any] = _CURRENT.dump(
        {"name": caller().name, "scopes": scopes, "numbers": None if numbers is None else sorted(numbers)}
    )
    return found
