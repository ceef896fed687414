"""The gateway as one of several applications of a WSGI server, under a prefix: `tests.load.mounted:app`."""

from __future__ import annotations

from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Response

from app import create_app

PREFIX = "/gateway"

app = DispatcherMiddleware(Response("another application", 404), {PREFIX: create_app()})
