"""An HTTP session that limits what the other side can do: how long each exchange takes in all.

`requests` limits each single read, so an answer that comes one byte at a time could take for ever. Here every read of
headers and bodies gets the rest of one deadline, without a thread or a timer.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProxyError
from urllib3.util import Timeout

CONNECT_SECONDS = 5.0

# Proxies between us and Meta drop idle connections, some without notice to either side. A request written into such a
# connection has an unknown outcome, which costs far more than a new handshake.
IDLE_SECONDS = 50.0


STALL_SECONDS = 30.0
"""How long the other side may pause within a body. A whole large file may take longer, a dead connection must not."""


class NotConnected(NewConnectionError):
    """The connection failed (name, address, TLS, proxy), so no byte of the request has left."""


class _DeadlineReader(io.RawIOBase):
    """A socket's reading side; all reads together end at `deadline`, and each within `longest_pause` seconds."""

    longest_pause = float("inf")

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        # The file keeps the socket open until the answer is read, even when http.client has released it.
        self._file = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - monotonic()
        if left <= 0:
            raise TimeoutError("The answer was not complete in time.")
        self._sock.settimeout(min(left, self.longest_pause))
        return self._file.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    """A response whose reading must end within the timeout that the socket has when reading starts."""

    _reader: _DeadlineReader | None = None

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        timeout = sock.gettimeout()
        if timeout is not None:
            self.fp.close()
            self._reader = _DeadlineReader(sock, monotonic() + timeout)
            self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        """Read the head, for which the other side may think as long as the deadline allows; then the body must flow."""
        super().begin()
        if self._reader is not None:
            self._reader.longest_pause = STALL_SECONDS


class Connection(HTTPConnection):
    """A connection that raises `NotConnected` if it cannot be made, and is not reused after `IDLE_SECONDS`."""

    response_class = _DeadlineResponse
    _rested_since = 0.0

    def connect(self) -> None:
        try:
            super().connect()
        except Exception as err:
            raise NotConnected(self, "no connection") from err
        self._rested_since = monotonic()

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._rested_since = monotonic()
        return response

    @property
    def is_connected(self) -> bool:
        return monotonic() - self._rested_since < IDLE_SECONDS and super().is_connected


class TlsConnection(Connection, HTTPSConnection):
    """A `Connection` with TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = TlsConnection


class _Adapter(HTTPAdapter):
    """Pools of our connections, direct and through a proxy. It never repeats a request by itself."""

    pools = {"http": _Pool, "https": _TlsPool}

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self.pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self.pools
        return manager


def new_session(*, user_agent: str, proxy: str | None, pool_size: int) -> requests.Session:
    """Return a session that threads or greenlets may share.

    It reads nothing from the environment (a `.netrc` would replace our token), keeps no cookies and uses no proxy
    but `proxy`. More than `pool_size` concurrent requests work, but the extra connections are not kept.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
    session.proxies = {"http": proxy, "https": proxy} if proxy else {}
    session.mount("http://", _Adapter(pool_maxsize=pool_size, max_retries=0))
    session.mount("https://", _Adapter(pool_maxsize=pool_size, max_retries=0))
    # urllib3's DEBUG and WARNING lines contain whole URLs, and Graph wants secrets in some of them (`debug_token`).
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    return session


def timeout(seconds: float) -> Any:
    """Return the timeouts of one exchange: five seconds to connect, `seconds` for everything together.

    It is a urllib3 `Timeout`, which `requests` accepts although its types do not say so.
    """
    return Timeout(connect=CONNECT_SECONDS, read=seconds, total=seconds)


def cause_of(err: requests.RequestException) -> BaseException:
    """Return the original error inside a `requests` error, without the URL that the wrappers' texts contain."""
    inner: Any = err.args[0] if err.args else None
    if isinstance(inner, MaxRetryError):
        inner = inner.reason
    if isinstance(inner, ProxyError):
        inner = inner.original_error
    return inner if isinstance(inner, BaseException) else err
