"""Endpoints: the team's apps, how they do, and what can be done about them."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.errors import Invalid
from app.models import Endpoint
from app.schemas.api.endpoints import EndpointAnswer, EndpointChange, EndpointRequest
from app.services.delivering import list_deliveries, read_backlogs, replay_dead
from app.web.context import gateway
from app.web.inbox.access import person
from app.web.inbox.house.blueprint import back_to, bp
from app.web.inbox.house.forms import read_form

DEAD_SHOWN = 20
"""Dead letters that an endpoint's page shows; the page of deliveries has all."""

_ANSWER = EndpointAnswer()


@bp.get("/endpoints")
def endpoints() -> ResponseReturnValue:
    """Show the endpoints, and a form to add one."""
    return _list({})


@bp.post("/endpoints")
def add_endpoint() -> ResponseReturnValue:
    """Add an endpoint, and show its secret this once."""
    try:
        values = read_form(EndpointRequest(), flags=("ordered", "replies"), lists=("numbers", "types"))
        row, secret = gateway().manage_endpoints.add(values)
    except Invalid as wrong:
        return _list(wrong.fields or {}), 422
    return _page(row, secret=secret), 201


@bp.get("/endpoints/<endpoint_id>")
def endpoint(endpoint_id: str) -> ResponseReturnValue:
    """Show one endpoint."""
    return _page(gateway().manage_endpoints.find(endpoint_id))


@bp.post("/endpoints/<endpoint_id>")
def change_endpoint(endpoint_id: str) -> ResponseReturnValue:
    """Change an endpoint's URL and description."""
    row = gateway().manage_endpoints.find(endpoint_id)
    try:
        gateway().manage_endpoints.change(endpoint_id, read_form(EndpointChange(only=("url", "description"))))
    except Invalid as wrong:
        return _page(row, problems=wrong.fields or {}), 422
    return back_to(".endpoint", "changed", endpoint_id=endpoint_id)


@bp.post("/endpoints/<endpoint_id>/pause")
def pause_endpoint(endpoint_id: str) -> ResponseReturnValue:
    """Stop deliveries to an endpoint; what it is owed waits."""
    gateway().manage_endpoints.change(endpoint_id, {"paused": True})
    return back_to(".endpoint", "paused", endpoint_id=endpoint_id)


@bp.post("/endpoints/<endpoint_id>/resume")
def resume_endpoint(endpoint_id: str) -> ResponseReturnValue:
    """Let deliveries go on, also after the breaker opened or the endpoint was switched off."""
    gateway().manage_endpoints.change(endpoint_id, {"paused": False, "disabled": False})
    return back_to(".endpoint", "resumed", endpoint_id=endpoint_id)


@bp.post("/endpoints/<endpoint_id>/test")
def test_endpoint(endpoint_id: str) -> ResponseReturnValue:
    """Post a test event now, and show what the app answered."""
    tested = gateway().manage_endpoints.test(endpoint_id, person().name)
    return _page(gateway().manage_endpoints.find(endpoint_id), tested=tested)


@bp.post("/endpoints/<endpoint_id>/rotate-secret")
def rotate_secret(endpoint_id: str) -> ResponseReturnValue:
    """Give an endpoint another secret, and show it this once."""
    secret = gateway().manage_endpoints.rotate_secret(endpoint_id, None)
    return _page(gateway().manage_endpoints.find(endpoint_id), secret=secret)


@bp.post("/endpoints/<endpoint_id>/retry-dead")
def retry_dead(endpoint_id: str) -> ResponseReturnValue:
    """Try all dead letters of an endpoint again."""
    gateway().manage_endpoints.find(endpoint_id)
    count = replay_dead(gateway().database, endpoint_id, gateway().now())
    return back_to(".endpoint", "retried-many", endpoint_id=endpoint_id, count=count)


@bp.post("/endpoints/<endpoint_id>/remove")
def remove_endpoint(endpoint_id: str) -> ResponseReturnValue:
    """Remove an endpoint."""
    gateway().manage_endpoints.remove(endpoint_id)
    return back_to(".endpoints", "removed")


def _list(problems: dict[str, list[str]]) -> str:
    rows = gateway().manage_endpoints.list()
    owed = {each.endpoint_id: each for each in read_backlogs(gateway().database, gateway().now())}
    return render_template(
        "inbox/house/endpoints.html",
        endpoints=[(told, owed.get(told["id"])) for told in _ANSWER.dump(rows, many=True)],
        problems=problems, asked=request.form,
    )  # fmt: skip


def _page(row: Endpoint, **more: Any) -> str:
    database, now = gateway().database, gateway().now()
    owed = next((each for each in read_backlogs(database, now) if each.endpoint_id == row.id), None)
    dead = list_deliveries(
        database, limit=DEAD_SHOWN, before=None, state="dead", endpoint_id=row.id, event_id=None
    )
    facts: dict[str, Any] = {"problems": {}, "secret": None, "tested": None, "asked": request.form}
    return render_template(
        "inbox/house/endpoint.html", row=row, endpoint=_ANSWER.dump(row), owed=owed, dead=dead,
        **{**facts, **more},
    )  # fmt: skip
