"""The client connection of a request."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Callable

from flask import request

_SOCKETS = ("gunicorn.socket", "werkzeug.socket")


def disconnect_check() -> Callable[[], bool]:
    """Return a function that returns whether the client of this request has disconnected.

    It peeks at the socket without blocking and without consuming data, below gevent's patched sockets. If the server
    does not expose the connection, it always returns False.
    """
    connection = next((request.environ[name] for name in _SOCKETS if name in request.environ), None)
    if connection is None:
        return lambda: False

    def has_left() -> bool:
        number = connection.fileno()
        if number < 0:
            return True
        looking = _socket.socket(fileno=number)
        try:
            return looking.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            looking.detach()

    return has_left
