"""Callbacks that an application sets for a number or an account: endpoints of this gateway, never handed on to Meta.

At Meta an override takes the webhooks of a number or account away from the app's callback, which is ours.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.errors import Invalid
from app.services.graph_proxy import ProxyCall
from app.web.auth import caller
from app.web.context import gateway
from app.web.graph.access import given_key

EDGE, URL = "subscribed_apps", "override_callback_uri"


def of_number(object_id: str, asked: ProxyCall) -> Response | None:
    """Keep the callback that `POST /<number>` sets, or take it away for an empty one. None for any other change."""
    body = asked.body if isinstance(asked.body, dict) else {}
    configuration = body.get("webhook_configuration")
    if not isinstance(configuration, dict) or URL not in configuration:
        return None
    number = gateway().graph_proxy.number(object_id, caller().numbers)
    return _keep(object_id, [number.phone_number_id], configuration)


def of_account(object_id: str, edge: str, asked: ProxyCall) -> Response | None:
    """Keep the callback that `POST /<account>/subscribed_apps` sets. None for any other call."""
    body = asked.body if isinstance(asked.body, dict) else {}
    if edge != EDGE or not body.get(URL):
        return None
    return _keep(object_id, gateway().graph_proxy.numbers_of(object_id, caller().numbers), body)


def remove_of_account(object_id: str, edge: str) -> Response | None:
    """Take away the callback that was set for an account. None if there is none, or for any other call."""
    if edge != EDGE:
        return None
    gateway().graph_proxy.numbers_of(object_id, caller().numbers)
    return _done() if gateway().graph_subscriptions.remove_override(object_id) else None


def _keep(object_id: str, numbers: list[str], given: dict[str, Any]) -> Response:
    url, token = given.get(URL), given.get("verify_token", "")
    if url in ("", None):
        gateway().graph_subscriptions.remove_override(object_id)
        return _done()
    if not isinstance(url, str) or not isinstance(token, str):
        raise Invalid(fields={URL: ["must be an address, with a `verify_token` beside it"]})
    gateway().graph_subscriptions.override(object_id, numbers, url, token, given_key())
    return _done()


def _done() -> Response:
    return jsonify({"success": True})
