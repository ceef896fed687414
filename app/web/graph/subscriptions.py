"""`/<app>/subscriptions`: where an application wants webhooks, kept by this gateway and never handed on to Meta."""

from __future__ import annotations

import re
from typing import Any

from flask import request

from app.errors import Invalid, NotFound
from app.schemas.api.graph import GraphDone
from app.services.endpoints import OBJECT
from app.web.context import gateway
from app.web.graph.access import given_key
from app.web.graph.describing import describe_graph
from app.web.graph.reading import body_bytes, parse
from app.web.openapi.operations import ANY_OBJECT

Json = dict[str, Any]


@describe_graph("listSubscriptions", "Graph subscriptions", "admin")
def list_subscriptions(app_id: str) -> Json:
    """Show where an app's webhooks go."""
    version = gateway().config.graph_api_version
    found = gateway().graph_subscriptions.of_app(_checked(app_id))
    for each in found:
        each["fields"] = [{"name": name, "version": version} for name in each["fields"]]
    return {"data": found}


@describe_graph("subscribe", "Graph subscriptions", "admin", GraphDone, body=ANY_OBJECT)
def subscribe(app_id: str) -> Json:
    """Send webhooks to `callback_url` from now on, once it has echoed the challenge. They are signed with the key."""
    given = {**(parse(body_bytes()) or {}), **request.args}
    missing = [name for name in ("callback_url", "verify_token") if not isinstance(given.get(name), str)]
    if missing:
        raise Invalid(fields={name: ["is required"] for name in missing})
    if given.get("object", OBJECT) != OBJECT:
        raise Invalid(fields={"object": [f"must be {OBJECT}"]})
    fields = given.get("fields", "messages")
    names = fields if isinstance(fields, list) else str(fields).split(",")
    known = [name for name in (str(each).strip() for each in names) if re.fullmatch("[a-z0-9_]{1,60}", name)]
    gateway().graph_subscriptions.subscribe(
        _checked(app_id), given["callback_url"], given["verify_token"], known[:60], given_key()
    )
    return {"success": True}


@describe_graph("unsubscribe", "Graph subscriptions", "admin", GraphDone)
def unsubscribe(app_id: str) -> Json:
    """Send an app no more webhooks."""
    gateway().graph_subscriptions.unsubscribe(_checked(app_id))
    return {"success": True}


def _checked(app_id: str) -> str:
    if not re.fullmatch("[0-9]{1,30}", app_id):
        raise NotFound
    return app_id
