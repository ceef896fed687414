"""The simulator as a WSGI app."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import BaseConverter

from app.simulator import (
    block_routes,
    control_api,
    customer_routes,
    media_routes,
    message_routes,
    number_routes,
    object_routes,
    phone_page,
    subscription_routes,
    template_routes,
    upload_routes,
)
from app.simulator.graph_blueprint import answer_unknown_path
from app.simulator.settings import SimulatorSettings
from app.simulator.simulator import build

_BLUEPRINTS = (
    message_routes.blueprint,
    media_routes.blueprint,
    media_routes.downloads,
    template_routes.blueprint,
    upload_routes.blueprint,
    number_routes.blueprint,
    block_routes.blueprint,
    subscription_routes.blueprint,
    object_routes.blueprint,
    control_api.blueprint,
    customer_routes.blueprint,
    phone_page.blueprint,
)
_LARGEST_BODY = 110 * 1024 * 1024  # Meta takes documents of up to 100 MB


class _GraphVersion(BaseConverter):
    """A Graph version in a path: `v26.0`."""

    regex = r"v\d+\.\d+"


def create_simulator(settings: SimulatorSettings) -> Flask:
    """A WSGI app that stands in for Meta. Its `extensions["simulator"]` is to be closed by whoever made it."""
    app = Flask("app.simulator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.url_map.converters["graph_version"] = _GraphVersion
    app.extensions["simulator"] = build(settings)
    for code in (404, 405):
        app.register_error_handler(code, answer_unknown_path)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
