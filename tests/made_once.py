"""What tests would make again and again at a price, and what is the same each time: made once for a test process."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from werkzeug.routing import Rule

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
