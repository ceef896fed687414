"""Graph's apps: where their webhooks go, which accounts they hear of, and what a token is worth."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from simulator.faults.gate import through_faults
from simulator.graph.auth import app_of_token, calling_app, visible_account
from simulator.graph.blueprint import graph_blueprint, request_body
from simulator.graph.errors import GraphRefusal, missing, unknown_object
from simulator.settings import BusinessNumber
from simulator.webhooks.handshake import verify_callback
from simulator.webhooks.subscriptions import AppSubscription
from simulator.world.simulator import Simulator, current

blueprint = graph_blueprint("subscriptions")
_OBJECT = "whatsapp_business_account"
_SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")


@blueprint.get("/<app_id>/subscriptions")
def read_subscription(app_id: str) -> Response:
    """What the app hears of, and where."""
    own = _own_subscription(app_id)
    fields = [{"name": name, "version": "v26.0"} for name in sorted(own.fields)]
    data = [{"object": _OBJECT, "callback_url": own.callback_url, "active": True, "fields": fields}]
    return jsonify({"data": data})


@blueprint.post("/<app_id>/subscriptions")
def subscribe_app(app_id: str) -> Response:
    """Point the app's webhooks somewhere else, once that place has echoed the challenge."""
    simulator, own, body = current(), _own_subscription(app_id), request_body()
    if body.get("object") != _OBJECT:
        raise GraphRefusal(100, message="(#100) The parameter object is required.")
    if not body.get("callback_url"):
        raise missing("callback_url")
    url, token = str(body["callback_url"]), str(body.get("verify_token", ""))
    _verify(simulator, url, token)
    own.callback_url, own.verify_token = url, token
    fields = body.get("fields", "")
    own.fields = frozenset(fields if isinstance(fields, list) else filter(None, str(fields).split(",")))
    return jsonify({"success": True})


@blueprint.get("/<waba_id>/subscribed_apps")
def list_subscribed(waba_id: str) -> Response:
    """The apps that hear of an account."""
    simulator = current()
    visible_account(simulator, calling_app(simulator), waba_id)

    def answer() -> Response:
        apps = simulator.world.subscriptions.subscribed_to(waba_id)
        return jsonify({"data": [_app_json(one, waba_id) for one in apps]})

    return through_faults(simulator, "management", answer)


@blueprint.post("/<waba_id>/subscribed_apps")
def subscribe_account(waba_id: str) -> Response:
    """Let the calling app hear of an account, at a callback of its own if the body names one."""
    simulator, body = current(), request_body()
    app = calling_app(simulator)
    visible_account(simulator, app, waba_id)
    url = str(body.get("override_callback_uri") or "")
    if url:
        _verify(simulator, url, str(body.get("verify_token", "")))
    simulator.world.subscriptions.of(app).accounts[waba_id] = url
    return jsonify({"success": True})


@blueprint.delete("/<waba_id>/subscribed_apps")
def unsubscribe_account(waba_id: str) -> Response:
    """Let the calling app hear no more of an account."""
    simulator = current()
    app = calling_app(simulator)
    visible_account(simulator, app, waba_id)
    simulator.world.subscriptions.of(app).accounts.pop(waba_id, None)
    return jsonify({"success": True})


def override_number(number: BusinessNumber, body: dict[str, Any]) -> dict[str, Any]:
    """`POST /<phone_number_id>`: a callback for one number; an empty one takes it away."""
    simulator = current()
    own = simulator.world.subscriptions.of(calling_app(simulator))
    configuration = body.get("webhook_configuration")
    if not isinstance(configuration, dict):
        raise missing("webhook_configuration")
    url = str(configuration.get("override_callback_uri") or "")
    if url:
        _verify(simulator, url, str(configuration.get("verify_token", "")))
    own.numbers[number.phone_number_id] = url
    return {"success": True}


@blueprint.get("/debug_token")
def debug_token() -> Response:
    """What a token is worth."""
    simulator = current()
    calling_app(simulator, app_tokens=True)
    app = app_of_token(simulator, request.args.get("input_token", ""))
    if app is None:
        error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return jsonify({"data": {"is_valid": False, "scopes": [], "error": error}})
    accounts = list(simulator.world.subscriptions.of(app).accounts)
    granular = [{"scope": scope, "target_ids": accounts} for scope in _SCOPES]
    data = {
        "app_id": app.app_id,
        "type": "SYSTEM_USER",
        "application": "Simulated app",
        "is_valid": True,
        "issued_at": 0,
        "expires_at": 0,
        "data_access_expires_at": 0,
        "scopes": list(_SCOPES),
        "granular_scopes": granular,
    }
    return jsonify({"data": data})


@blueprint.get("/oauth/access_token")
def app_token() -> Response:
    """The app token, for whoever knows the app secret."""
    own = current().world.subscriptions.get(request.args.get("client_id", ""))
    if own is None or request.args.get("client_secret") != own.app.app_secret:
        raise GraphRefusal(1, message="Error validating client secret.")
    return jsonify({"access_token": f"{own.app.app_id}|{own.app.app_secret}", "token_type": "bearer"})


def _own_subscription(app_id: str) -> AppSubscription:
    simulator = current()
    app = calling_app(simulator, app_tokens=True)
    if app.app_id != app_id:
        raise unknown_object(app_id, request.method)
    return simulator.world.subscriptions.of(app)


def _verify(simulator: Simulator, url: str, verify_token: str) -> None:
    verify_callback(simulator.world.random, url, verify_token, simulator.settings.allowed_hosts)


def _app_json(one: AppSubscription, waba_id: str) -> dict[str, Any]:
    data = {"id": one.app.app_id, "name": "Simulated app", "link": ""}
    override = one.accounts[waba_id]
    return {"whatsapp_business_api_data": data, **({"override_callback_uri": override} if override else {})}
