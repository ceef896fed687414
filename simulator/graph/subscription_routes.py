"""Graph's apps: where their webhooks go, which accounts they hear of, and what a token is worth."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from simulator.faults.gate import through_faults
from simulator.graph.auth import app_of_token, calling_app, is_alive, may_see, need_scope, visible_account
from simulator.graph.blueprint import graph_blueprint, page_of, request_body
from simulator.graph.errors import GraphRefusal, missing, unknown_object
from simulator.settings import BusinessNumber, MetaApp
from simulator.webhooks.handshake import verify_callback
from simulator.webhooks.subscriptions import AppSubscription
from simulator.world.simulator import Simulator, current

blueprint = graph_blueprint("subscriptions")
_OBJECT = "whatsapp_business_account"
_USER = "122100200300400"
"""The system user whose tokens all of the simulator's are."""


@blueprint.get("/<app_id>/subscriptions")
def read_subscription(app_id: str) -> Response:
    """What the app hears of, and where."""
    own = _own_subscription(app_id)
    fields = [{"name": name, "version": "v26.0"} for name in sorted(own.fields)]
    data = [{"object": _OBJECT, "callback_url": own.callback_url, "active": True, "fields": fields}]
    return through_faults(current(), "management", lambda: jsonify({"data": data if own.callback_url else []}))


@blueprint.post("/<app_id>/subscriptions")
def subscribe_app(app_id: str) -> Response:
    """Point the app's webhooks somewhere else, once that place has echoed the challenge."""
    simulator, own, body = current(), _own_subscription(app_id), request_body()
    if body.get("object") != _OBJECT:
        raise GraphRefusal(100, message="(#100) The parameter object is required.")
    if not body.get("callback_url"):
        raise missing("callback_url")
    url, token = str(body["callback_url"]), str(body.get("verify_token", ""))

    def answer() -> Response:
        _verify(simulator, url, token)
        own.callback_url, own.verify_token = url, token
        fields = body.get("fields", "")
        own.fields = frozenset(fields if isinstance(fields, list) else filter(None, str(fields).split(",")))
        return jsonify({"success": True})

    return through_faults(simulator, "management", answer)


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
    need_scope(simulator, app, "whatsapp_business_management")
    url = str(body.get("override_callback_uri") or "")

    def answer() -> Response:
        if url:
            _verify(simulator, url, str(body.get("verify_token", "")))
        simulator.world.subscriptions.of(app).accounts[waba_id] = url
        return jsonify({"success": True})

    return through_faults(simulator, "management", answer)


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
    token, accounts = simulator.world.standing.token(app.app_id), _accounts(simulator, app)
    granular = [
        {"scope": scope, **({"target_ids": accounts} if token.names_accounts else {})} for scope in token.scopes
    ]
    data = {
        "app_id": app.app_id,
        "type": token.type,
        "application": "Simulated app",
        "is_valid": is_alive(simulator, app),
        "issued_at": 0,
        "expires_at": token.expires_at,
        "data_access_expires_at": 0,
        "scopes": list(token.scopes),
        "granular_scopes": granular,
        "user_id": _USER,
    }
    return through_faults(simulator, "management", lambda: jsonify({"data": data}))


@blueprint.get(f"/{_USER}/assigned_whatsapp_business_accounts")
def assigned_accounts() -> Response:
    """The accounts that the token's user was given, for tokens whose permissions name none."""
    simulator = current()
    found = _accounts(simulator, calling_app(simulator))
    return through_faults(
        simulator, "management", lambda: page_of([{"id": each, "name": "Simulated account"} for each in found])
    )


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


def _accounts(simulator: Simulator, app: MetaApp) -> list[str]:
    return [waba_id for waba_id in simulator.world.waba_ids if may_see(simulator, app, waba_id)]


def _verify(simulator: Simulator, url: str, verify_token: str) -> None:
    verify_callback(simulator.world.random, url, verify_token, simulator.settings.allowed_hosts)


def _app_json(one: AppSubscription, waba_id: str) -> dict[str, Any]:
    data = {"id": one.app.app_id, "name": "Simulated app", "link": ""}
    override = one.accounts[waba_id]
    return {"whatsapp_business_api_data": data, **({"override_callback_uri": override} if override else {})}
