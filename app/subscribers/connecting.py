"""The guard against requests to internal addresses (SSRF): connections are made to checked addresses only.

A name is resolved once, every address is checked, and the connection goes to a checked address. So a name that resolves
differently the next time (DNS rebinding) changes nothing. TLS and the `Host` header still use the name.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Sequence
from http.client import RemoteDisconnected
from time import monotonic
from typing import Any

import certifi
from urllib3 import PoolManager
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from app.graph.transport import CONNECT_SECONDS, Connection, TlsConnection
from app.security.endpoint_urls import AllowedNetwork, is_localhost, why_not


class AddressRefused(OSError):
    """The name resolves to an address that is not allowed. No connection was made."""


class NotConnected(OSError):
    """No connection could be made."""


class NoThread(NotConnected):
    """No thread could be started in which to connect."""


class GoneWhileIdle(Exception):
    """A reused connection had been closed by the server. The request got no response and may be repeated at once."""


class _Checked(Connection):
    """Connects to checked addresses only. Raises `GoneWhileIdle` if a reused connection had been closed."""

    allowed: Sequence[AllowedNetwork] = ()
    _has_answered = False

    def connect(self) -> None:
        self._has_answered = False
        super().connect()

    def _new_conn(self) -> socket.socket:
        options = self.socket_options or ()
        return connect(self._dns_host, self.port, self.allowed, CONNECT_SECONDS, [tuple(each) for each in options])

    def getresponse(self) -> Any:
        try:
            response = super().getresponse()
        except (RemoteDisconnected, ConnectionError) as err:
            if self._has_answered:
                raise GoneWhileIdle from err
            raise
        self._has_answered = True
        return response


class _CheckedTls(_Checked, TlsConnection):
    """A checked connection with TLS."""


def connect(
    host: str, port: int, allowed: Sequence[AllowedNetwork], seconds: float, options: Sequence[tuple[Any, ...]] = ()
) -> socket.socket:
    """Connect to a host if all its addresses are allowed.

    Raises `AddressRefused`, `NotConnected` and other `OSError`s.
    """
    deadline = monotonic() + seconds
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as wrong:  # a label is empty, or longer than 63 letters
        raise socket.gaierror(socket.EAI_NONAME, "the name is none") from wrong
    if is_localhost(host):  # localhost often has ::1 beside 127.0.0.1; it is enough if one of them is allowed
        found = [each for each in found if why_not(ipaddress.ip_address(each[4][0]), port, allowed) is None] or found
    for *_, place in found:
        reason = why_not(ipaddress.ip_address(place[0]), port, allowed)
        if reason is not None:
            raise AddressRefused(reason)
    error: OSError = OSError("the name has no address")
    for family, kind, protocol, _, place in found:
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options:
                sock.setsockopt(*option)
            sock.settimeout(max(0.01, deadline - monotonic()))
            sock.connect(place)
            return sock
        except OSError as err:
            sock.close()
            error = err
    raise NotConnected from error


def new_pools(
    allowed: Sequence[AllowedNetwork], size: int, authorities: ssl.SSLContext | None = None
) -> PoolManager:
    """Return a pool manager of checked connections. It ignores environment variables and uses no proxy.

    `size` is how many connections to one host are kept. Certificates are verified with the machine's authorities and
    those of certifi, which takes 70 ms to read, or with `authorities`.
    """
    if authorities is None:
        authorities = ssl.create_default_context()
        authorities.load_verify_locations(certifi.where())
    manager = PoolManager(num_pools=64, maxsize=size, ssl_context=authorities)
    plain = type("CheckedConnection", (_Checked,), {"allowed": tuple(allowed)})
    tls = type("CheckedTlsConnection", (_CheckedTls,), {"allowed": tuple(allowed)})
    manager.pool_classes_by_scheme = {
        "http": type("CheckedPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("CheckedTlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
    }
    return manager
