"""Test at start that the guard against internal addresses works.

The guard overrides private names of urllib3, so a release that no longer calls them would disable it silently. Each
process therefore tries to connect to an address of its own that is not allowed, and does not start if that succeeds.
"""

from __future__ import annotations

import socket
import ssl
from functools import cache

from urllib3.exceptions import HTTPError

from app.config.errors import ConfigError
from app.graph.transport import timeout
from app.subscribers.connecting import AddressRefused, new_pools

_SECONDS = 2.0


@cache
def prove_guard() -> None:
    """Raise `ConfigError` unless connections to addresses that are not allowed fail, with and without TLS.

    Takes some milliseconds at the first call.
    """
    with socket.create_server(("127.0.0.1", 0)) as target:
        target.setblocking(False)
        port = target.getsockname()[1]
        are_refused = all(_is_refused(f"{scheme}://127.0.0.1:{port}/") for scheme in ("http", "https"))
        if not are_refused or _was_called(target):
            raise ConfigError(
                [
                    "urllib3: the installed version lets apps be called at refused addresses; install what"
                    " requirements.lock names, as ./run.sh does"
                ]
            )


def _is_refused(url: str) -> bool:
    # It does not come to a certificate, so no authorities are read.
    pools = new_pools((), 1, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    try:
        pools.urlopen("POST", url, redirect=False, retries=False, timeout=timeout(_SECONDS))
    except (HTTPError, OSError) as error:
        return isinstance(error, AddressRefused) or isinstance(error.__cause__, AddressRefused)
    return False


def _was_called(target: socket.socket) -> bool:
    try:
        target.accept()[0].close()
    except OSError:
        return False
    return True
