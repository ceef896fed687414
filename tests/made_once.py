"""What tests would make again and again at a price, and what is the same each time: made once for a test process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


def keep_url_builders() -> None:
    """Let Werkzeug compile what builds a route's URLs once for each route, not once for each application's.

    A builder is a function of the route alone: the rule that it builds for comes to it as its first argument. To
    compile those of all routes was most of what an application costs, and most tests make one.
    """
    compile_builder = Rule._compile_builder
    kept: dict[Any, Builder] = {}

    def kept_or_compiled(rule: Rule, append_unknown: bool = True) -> Builder:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        route = (rule.rule, tuple(rule._trace), append_unknown)
        if route not in kept:
            kept[route] = compile_builder(rule, append_unknown)
        return kept[route]

    Rule._compile_builder = kept_or_compiled  # type: ignore[method-assign]
