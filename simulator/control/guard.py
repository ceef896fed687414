"""Who may use the page and the control API: this machine's own browser and commands, and no web page elsewhere.

They have no password. What keeps other sites out: the `Host` must be a loopback name (or one allowed by name), so that
no foreign name can be pointed here; a write's `Origin`, if there is one, must be that same host; and writes are JSON.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Request, abort, request

from simulator.world.simulator import current

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def require_local_caller() -> None:
    """Refuse with 403 a request that another site made, and with 415 a write that is not JSON."""
    if _hostname(request.host) not in (*LOOPBACK, *current().settings.allowed_hosts):
        abort(403, "Open the simulator under a loopback name.")
    if request.method in ("GET", "HEAD"):
        return
    if not _is_same_origin(request):
        abort(403, "Another site may not write here.")
    if not request.is_json:
        abort(415, "Send JSON: `Content-Type: application/json`.")


def _is_same_origin(incoming: Request) -> bool:
    origin = incoming.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == incoming.host


def _hostname(host: str) -> str:
    return host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
