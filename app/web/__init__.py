"""HTTP routes. A view loads a schema, calls a service and dumps the result; it contains no queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from app.config.settings import Config
from app.graph.loop_guard import gateway_id
from app.web import (
    auth,
    errors,
    health,
    hosts,
    idempotency,
    inbox,
    index,
    media_content,
    metrics,
    openapi,
    query,
    simulator_proxy,
)
from app.web.api import (
    alerts,
    audit,
    batches,
    contact_actions,
    contacts,
    conversation_acts,
    conversations,
    deliveries,
    doctor,
    endpoints,
    events,
    keys,
    labels,
    media,
    media_uploads,
    message_actions,
    messages,
    notifications,
    numbers,
    overview,
    people,
    preflight,
    stats,
    templates,
)
from app.web.context import gateway
from app.web.graph import bp as graph
from app.web.graph.paths import GraphPaths
from app.web.late_rule import LateRule
from app.web.loop_guard import RefuseOwnCalls
from app.web.observe import Observe
from app.web.patience import BoundWaits
from app.web.unread_bodies import DropUnread
from app.web.whatsapp import bp as whatsapp
from app.web.whatsapp.webhook import AnswerKept


def init_app(app: Flask, config: Config) -> None:
    """Register the blueprints, error handlers, access checks and WSGI middleware on the application."""
    hosts.warn_of_host()
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    inbox.keep_sessions(app, config.secret_key)
    add_routes(app, with_simulator=config.simulator)
    wsgi_app: Callable[..., Any] = AnswerKept(app.wsgi_app, lambda: app.extensions["gateway"])
    wsgi_app = GraphPaths(wsgi_app, config.graph_hosts, config.graph_api_version)
    wsgi_app = RefuseOwnCalls(wsgi_app, gateway_id(config.secret_key))
    if config.trusted_proxies:
        hops = config.trusted_proxies
        # Host and prefix are left out: what a proxy does not set itself, it passes on as its client sent it.
        wsgi_app = ProxyFix(wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_prefix=0)
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    served = hosts.as_host_needs(Observe(DropUnread(BoundWaits(wsgi_app)), rules))
    app.wsgi_app = served  # type: ignore[assignment, method-assign]


def add_routes(app: Flask, *, with_simulator: bool) -> None:
    """Register what is the same whatever the settings say: blueprints, pages, error handlers and access checks."""
    app.url_rule_class = LateRule
    for module in (
        index, openapi, health, metrics, messages, message_actions, contacts, events, media, media_uploads,
        notifications, alerts, audit, overview, stats,
    ):  # fmt: skip
        app.register_blueprint(module.bp)
    for bp in (
        contact_actions.edit_bp, contact_actions.erase_bp, contact_actions.export_bp, conversations.bp,
        conversation_acts.bp, labels.bp, labels.changes,
    ):  # fmt: skip
        app.register_blueprint(bp)
    app.register_blueprint(media_content.bp)
    app.register_blueprint(doctor.bp)
    app.register_blueprint(endpoints.bp)
    app.register_blueprint(deliveries.bp)
    app.register_blueprint(batches.bp)
    app.register_blueprint(batches.actions)
    app.register_blueprint(numbers.bp)
    app.register_blueprint(numbers.changes)
    app.register_blueprint(people.bp)
    app.register_blueprint(keys.bp)
    app.register_blueprint(keys.current)
    app.register_blueprint(preflight.bp)
    app.register_blueprint(templates.bp)
    app.register_blueprint(whatsapp)
    app.register_blueprint(graph)
    if with_simulator:
        app.register_blueprint(simulator_proxy.bp)
    inbox.init_app(app)
    app.before_request(_publish_settings)
    errors.init_app(app)
    auth.init_app(app)
    query.init_app(app)
    idempotency.init_app(app)


def _publish_settings() -> None:
    """Publish this process's settings with its first request, which comes after any fork. A command is no server."""
    if auth.OWN_CALLER not in request.environ:
        gateway().tell_web_settings.begin()
