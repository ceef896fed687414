"""Whether a call to Meta would end at this gateway, or has: somebody directed Meta's host name here.

An application with Meta's host name built in is given a hosts entry that names this gateway. On the gateway's own
machine the same entry would make it call itself instead of Meta.
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
"""Every call to Meta carries the caller's id in it. What answers a call of its own gives the id back in its answer."""

MESSAGE = (
    "A call to Meta came back to this gateway itself. Remove the hosts entry (or extra_hosts, or DNS record) that"
    " directs the host name in GRAPH_API_URL here: only the application may have it."
)

_META = ".facebook.com"
_INSIDE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))


def gateway_id(secret_key: str) -> str:
    """Return what tells this gateway, all its processes and machines, from any other. Nothing can be read from it."""
    return hmac.new(secret_key.encode(), b"calls to Meta", hashlib.sha256).hexdigest()[:32]


def is_own(headers: Mapping[str, str], own_id: str) -> bool:
    """Whether an answer says that this very gateway gave it."""
    return bool(own_id) and headers.get(HEADER) == own_id


def address_here(graph_api_url: str, graph_hosts: Collection[str], proxy: str) -> str | None:
    """Return the address to which calls to Meta would go, if this gateway is there; else None.

    A name of Meta's may not lead to this machine. One in `graph_hosts` is served by this gateway's own front, so it may
    not lead into the network here either. Other names are not looked up: they stand for something in Meta's place. A
    `proxy` looks names up itself. A name that cannot be looked up is none of this function's business.
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
        trial.bind((str(address), 0))  # nothing is sent; only an address of this machine can be taken
        return True
    return False
