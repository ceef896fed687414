"""Where faults strike a request to Graph: before it is read, and after what it asked for was done."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from flask import Response, request

from simulator.faults.rules import AFTER, BEFORE, Fault
from simulator.graph.errors import GraphRefusal
from simulator.world.simulator import Simulator

_ERROR_PAGE = "<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"
_THROTTLED = 130429


def through_faults(simulator: Simulator, on: str, answer: Callable[[], Response], to: str | None = None) -> Response:
    """Answer a request, unless a fault strikes first; whatever strikes after leaves the work done."""
    if fault := simulator.world.faults.draw(BEFORE, to=to, on=on):
        if struck := _before(simulator, fault):
            return struck
    response = answer()
    if fault := simulator.world.faults.draw(AFTER, to=to, on=on):
        return _after(simulator, fault, response)
    return response


def _before(simulator: Simulator, fault: Fault) -> Response | None:
    if fault.kind == "delay":
        simulator.world.closing.wait(fault.seconds)
        return None
    if fault.kind == "reset":
        return _hang_up(reset=True)
    if fault.kind == "html":
        return _error_page(fault.status)
    if fault.kind == "throttle":
        raise GraphRefusal(_THROTTLED, "Rate limit hit", status=429)
    raise GraphRefusal(fault.code, "The simulator was told to refuse this.")


def _after(simulator: Simulator, fault: Fault, response: Response) -> Response:
    if fault.kind == "timeout":
        simulator.world.closing.wait(fault.seconds)
        return response
    return _hang_up(reset=False) if fault.kind == "cut" else _error_page(fault.status)


def _error_page(status: int) -> Response:
    return Response(_ERROR_PAGE, status=status, mimetype="text/html")


def _hang_up(*, reset: bool) -> Response:
    """Close the caller's connection without an answer. The one returned finds nobody left to read it."""
    channel = getattr(request.environ.get("waitress.client_disconnected"), "__self__", None)
    if channel is not None:
        connection: socket.socket = channel.socket
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
