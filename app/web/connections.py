"""The connection below a request."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Callable

from flask import request

_SOCKETS = ("gunicorn.socket", "werkzeug.socket")


def left() -> Callable[[], bool]:
    """A function that says whether the caller of this request hung up. Where the server hides the connection: never.

    It looks without waiting and without taking anything, below whatever gevent made of sockets.
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
