"""Routes whose URLs are built by code that is compiled when it is first needed.

Werkzeug compiles two functions for each route, those that `url_for` calls. For some 220 routes that was an eighth of
the time a web process takes to start, and most of the routes are never linked to.
"""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import Rule


class LateRule(Rule):
    """A route as Flask makes it, but for when its builders are compiled."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        """Return a function that compiles the builder at its first call. What threads compile twice is the same."""
        compile_builder = super()._compile_builder
        compiled: Callable[..., tuple[str, str]] | None = None

        def build(rule: Rule, **values: str) -> tuple[str, str]:
            nonlocal compiled
            if compiled is None:
                compiled = compile_builder(append_unknown)
            return compiled(rule, **values)

        return build
