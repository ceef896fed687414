"""Who calls Graph, and what that token may see."""

from __future__ import annotations

from flask import request

from app.simulator.errors import GraphRefusal, unknown_object
from app.simulator.settings import BusinessNumber, MetaApp
from app.simulator.simulator import Simulator


def calling_app(simulator: Simulator) -> MetaApp:
    """The app whose token the request carries, in the header or as `access_token`.

    Raises `GraphRefusal`: 200 without any token, 190 with one that nobody issued.
    """
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        token = request.args.get("access_token", "")
    if not token:
        raise GraphRefusal(200)
    for app in simulator.settings.apps:
        if token.strip() == app.access_token:
            return app
    raise GraphRefusal(190, message="Invalid OAuth access token - Cannot parse access token")


def visible_number(simulator: Simulator, app: MetaApp, phone_number_id: str) -> BusinessNumber:
    """A number by its id, if the app may use it; else the refusal of an object that does not exist."""
    number = simulator.world.numbers.get(phone_number_id)
    if number is None or (app.waba_ids and number.waba_id not in app.waba_ids):
        raise unknown_object(phone_number_id, request.method)
    return number
