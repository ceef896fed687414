"""Detect calls to Meta that would end at this gateway, or have ended there, because Meta's host name points here.

An application in which Meta's host name is built in gets a hosts entry that names this gateway. On the gateway's own
machine the same entry would make the gateway call itself instead of Meta.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Collection, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import getaddrinfo
from urllib.parse import urlsplit

HEADER = "X-Gateway-Call"
"""Every call to Meta carries the gateway's id in this header. A gateway that gets its own call returns the id."""

MESSAGE = (
    "A call to Meta came back to this gateway itself. Remove the hosts entry (or extra_hosts, or DNS record) that"
    " directs the host name in GRAPH_API_URL here: only the application may have it."
)

_META = ".facebook.com"
_INSIDE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))


def gateway_id(secret_key: str) -> str:
    """Return an id that all processes and machines of this gateway share, and no other gateway. It reveals nothing."""
    return hmac.new(secret_key.encode(), b"calls to Meta", hashlib.sha256).hexdigest()[:32]


def is_own(headers: Mapping[str, str], own_id: str) -> bool:
    """Return whether an answer came from this very gateway."""
    return bool(own_id) and headers.get(HEADER) == own_id


def address_here(graph_api_url: str, graph_hosts: Collection[str], proxy: str) -> str | None:
    """Return the address to which calls to Meta would go, if it is this gateway's; else None.

    A name of Meta's must not lead to this machine. A name in `graph_hosts` is served by the proxy in front of this
    gateway, so it must not lead into the local network either. Other names are not resolved: they stand for a
    replacement of Meta. A `proxy` resolves names by itself. A name that cannot be resolved gives None.
    """
    host = (urlsplit(graph_api_url).hostname or "").rstrip(".")
    if proxy or not (host in graph_hosts or host.endswith(_META)):
        return None
    with suppress(OSError, UnicodeError):
        found = getaddrinfo(host, None, type=socket.SOCK_STREAM)
        for address in {str(each[4][0]).partition("%")[0] for each in found}:
            if _is_here(ip_address(address), with_network=host in graph_hosts):
                return address
    return None


def _is_here(address: IPv4Address | IPv6Address, *, with_network: bool) -> bool:
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback or address.is_unspecified:
        return True
    if with_network and any(address in network for network in _INSIDE):
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as trial:
        trial.bind((str(address), 0))  # nothing is sent; binding works only with an address of this machine
        return True
    return False
