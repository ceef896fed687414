"""Where Graph's paths begin: below `/graph`, or at the root of a host name of its own, with a version or without one.

Meta takes `/v26.0/<id>`, `/26.0/<id>` and `/<id>`, and SDKs write all three. Each becomes `/graph/<version>/<id>`
before a route is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from flask import request

PREFIX = "/graph"
_BELOW = f"{PREFIX}/"
_AT_ROOT = "gateway.graph_at_root"
_VERSIONED = re.compile(r"/(?:v[0-9]{1,3}(?:\.[0-9]{1,2})?|[0-9]{1,3}\.[0-9]{1,2})(?:/|$)")


class GraphPaths:
    """WSGI middleware: gives every path of Graph's the prefix and the version that the routes have.

    `hosts` are the host names, in lower case, that serve Graph at their root and nothing else. It must stand inside
    whatever believes a proxy's `X-Forwarded-Host`.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], hosts: Collection[str], version: str) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._version = version

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        path = environ.get("PATH_INFO", "")
        if self._hosts and not path.startswith(_BELOW) and _host_name(environ) in self._hosts:
            environ[_AT_ROOT] = True
            path = environ["PATH_INFO"] = f"{PREFIX}{path or '/'}"
        if path.startswith(_BELOW) and not _VERSIONED.match(path, len(PREFIX)):
            environ["PATH_INFO"] = f"{_BELOW}{self._version}{path[len(PREFIX):]}"
        return self._app(environ, start_response)


def is_at_root() -> bool:
    """Whether the current request was made to the root of a host name that is Graph's alone."""
    return _AT_ROOT in request.environ


def _host_name(environ: dict[str, Any]) -> str:
    host: str = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    return re.sub(r":[0-9]*$", "", host).rstrip(".").lower()
