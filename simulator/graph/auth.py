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
    return app


def app_of_token(simulator: Simulator, token: str, *, app_tokens: bool = False) -> MetaApp | None:
    """The app that a token was issued for."""
    for app in simulator.settings.apps:
        if token == app.access_token or (app_tokens and token == f"{app.app_id}|{app.app_secret}"):
            return app
    return None


def visible_number(simulator: Simulator, app: MetaApp, phone_number_id: str) -> BusinessNumber:
    """A number by its id, if the app may use it; else the refusal of an object that does not exist."""
    number = simulator.world.numbers.get(phone_number_id)
    if number is None or not _may_see(app, number.waba_id):
        raise unknown_object(phone_number_id, request.method)
    return number


def visible_account(simulator: Simulator, app: MetaApp, waba_id: str) -> None:
    """Refuse an account that is not there or not the app's."""
    if waba_id not in simulator.world.waba_ids or not _may_see(app, waba_id):
        raise unknown_object(waba_id, request.method)


def _may_see(app: MetaApp, waba_id: str) -> bool:
    return not app.waba_ids or waba_id in app.waba_ids
