"""What tests would make again and again at a price, and what is the same each time: made once for a test process."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from app import web

Builder = Callable[..., tuple[str, str]]


def keep_routes() -> None:
    """Let Werkzeug read a route and compile what builds its URLs once for each route, not for each application's.

    What comes of it is a function of the route alone; builders get the rule as their first argument. To do it for all
    routes was most of what an application costs, and most tests make one.
    """
    compile_ = Rule.compile
    kept: dict[Any, Rule] = {}

    def kept_or_compiled(rule: Rule) -> None:
        assert rule.map is not None
        route = (type(rule), rule.rule, rule.subdomain, rule.merge_slashes)
        if rule.defaults or rule.map.host_matching:
            compile_(rule)
        elif route not in kept:
            compile_(rule)
            kept[route] = rule
        else:
            first = kept[route]
            rule._parts, rule._trace = copy(first._parts), copy(first._trace)
            rule._converters, rule.arguments = copy(first._converters), copy(first.arguments)
            rule._build, rule._build_unknown = _of(rule, first._build), _of(rule, first._build_unknown)

    Rule.compile = kept_or_compiled  # type: ignore[method-assign]


def _of(rule: Rule, builder: Any) -> Builder:
    """The same method of another rule."""
    bound: Builder = builder.__func__.__get__(rule, None)
    return bound


def keep_web() -> None:
    """Let applications have the routes, checks, pages and compiled templates of one that is made for all of them.

    What they add or change afterwards is theirs alone, but for `app.url_map` and `app.jinja_env`.
    """
    add_routes = web.add_routes

    @cache
    def pattern(with_simulator: bool) -> Flask:
        made = Flask("app")
        add_routes(made, with_simulator=with_simulator)
        return made

    def take_routes(app: Flask, *, with_simulator: bool) -> None:
        first = pattern(with_simulator)
        for name in OF_ROUTES:
            setattr(app, name, _copy_of(getattr(first, name)))
        app.extensions |= {key: _copy_of(each) for key, each in first.extensions.items()}
        app.config |= {key: value for key, value in first.config.items() if key not in app.config}
        app.url_map, app.jinja_env = first.url_map, first.jinja_env

    web.add_routes = take_routes  # type: ignore[assignment]


OF_ROUTES = (
    "url_rule_class", "view_functions", "blueprints", "error_handler_spec", "before_request_funcs",
    "after_request_funcs", "teardown_request_funcs", "teardown_appcontext_funcs", "template_context_processors",
    "url_value_preprocessors", "url_default_functions",
)  # fmt: skip
"""Where Flask keeps what was registered."""


def _copy_of(kept: Any) -> Any:
    """Dictionaries and lists anew, at whatever depth, and in them the same functions."""
    if isinstance(kept, dict):
        made = copy(kept)
        made.update({key: _copy_of(each) for key, each in kept.items()})
        return made
    return list(kept) if isinstance(kept, list) else kept
