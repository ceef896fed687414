"""The simulator as a WSGI app."""

from __future__ import annotations

from flask import Flask, Response
from werkzeug.http import http_date
from werkzeug.routing import BaseConverter

from simulator.control import api
from simulator.customers import phone_page, routes
from simulator.graph import block_routes, number_routes, object_routes, subscription_routes
from simulator.graph.blueprint import answer_unknown_path
from simulator.graph.media import routes as media_routes
from simulator.graph.messages import routes as message_routes
from simulator.graph.templates import routes as template_routes
from simulator.graph.uploads import routes as upload_routes
from simulator.settings import SimulatorSettings
from simulator.world.simulator import build, current

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
    api.blueprint,
    routes.blueprint,
    phone_page.blueprint,
)
_LARGEST_BODY = 110 * 1024 * 1024  # Meta takes documents of up to 100 MB


class _GraphVersion(BaseConverter):
    """A Graph version in a path: `v26.0`."""

    regex = r"v\d+\.\d+"


def create_simulator(settings: SimulatorSettings) -> Flask:
    """A WSGI app that stands in for Meta. Its `extensions["simulator"]` is to be closed by whoever made it."""
    app = Flask("simulator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.url_map.converters["graph_version"] = _GraphVersion
    app.extensions["simulator"] = build(settings)
    for code in (404, 405):
        app.register_error_handler(code, answer_unknown_path)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.after_request(_date)
    return app


def _date(response: Response) -> Response:
    """Say the simulated time, as Meta says its own."""
    response.headers["Date"] = http_date(current().world.now())
    return response
