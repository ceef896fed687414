"""Who calls Graph, and what that token may see."""

from __future__ import annotations

from flask import request

from simulator.graph.errors import GraphRefusal, unknown_object
from simulator.settings import BusinessNumber, MetaApp
from simulator.world.simulator import Simulator


def calling_app(simulator: Simulator, *, app_tokens: bool = False) -> MetaApp:
    """The app whose token the request carries, in the header or as `access_token`.

    Where Graph takes them, `app_tokens` (`<app id>|<app secret>`) do as well. Raises `GraphRefusal`: 200 without any
    token, 190 with one that nobody issued.
    """
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() not in ("bearer", "oauth"):
        token = request.args.get("access_token", "")
    if not token:
        raise GraphRefusal(200)
    app = app_of_token(simulator, token.strip(), app_tokens=app_tokens)
    if app is None:
        raise GraphRefusal(190, message="Invalid OAuth access token - Cannot parse access token")
    if token.strip() == app.access_token and not is_alive(simulator, app):
        raise GraphRefusal(190, message="Error validating access token: Session has expired", subcode=463)
    return app


def is_alive(simulator: Simulator, app: MetaApp) -> bool:
    """Whether the access token of an app still works."""
    token = simulator.world.standing.token(app.app_id)
    return token.is_valid and (not token.expires_at or token.expires_at > simulator.world.now())


def app_of_token(simulator: Simulator, token: str, *, app_tokens: bool = False) -> MetaApp | None:
    """The app that a token was issued for."""
    for app in simulator.settings.apps:
        if token == app.access_token or (app_tokens and token == f"{app.app_id}|{app.app_secret}"):
            return app
    return None


def visible_number(simulator: Simulator, app: MetaApp, phone_number_id: str) -> BusinessNumber:
    """A number by its id, if the app may use it; else the refusal of an object that does not exist."""
    number = simulator.world.numbers.get(phone_number_id)
    if number is None or not may_see(simulator, app, number.waba_id):
        raise unknown_object(phone_number_id, request.method)
    return number


def visible_account(simulator: Simulator, app: MetaApp, waba_id: str) -> None:
    """Refuse an account that is not there or not the app's."""
    if waba_id not in simulator.world.waba_ids or not may_see(simulator, app, waba_id):
        raise unknown_object(waba_id, request.method)


def may_see(simulator: Simulator, app: MetaApp, waba_id: str) -> bool:
    """Whether the token of an app reaches an account."""
    targets = simulator.world.standing.token(app.app_id).target_ids
    return (not app.waba_ids or waba_id in app.waba_ids) and (targets is None or waba_id in targets)


def need_scope(simulator: Simulator, app: MetaApp, scope: str) -> None:
    """Refuse with 200 a call for which the token lacks the permission."""
    if scope not in simulator.world.standing.token(app.app_id).scopes:
        raise GraphRefusal(200, message=f"(#200) You do not have the {scope} permission")
