"""Which URLs and addresses of endpoints may be called; they are user input.

The gateway can reach other machines in its user's network. So only public addresses are called, and private ones that
the user allowed. Addresses that only the host itself may use (link-local, clouds' metadata) are never called.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
AllowedNetwork = Network | tuple[Network, int]
"""A network, or one port of it."""

_PORTS = {"http": 80, "https": 443}


def _networks(*written: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in written)


_NEVER = _networks(
    "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "fe80::/10", "fec0::/10", "ff00::/8",
    "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::/32", "fd20:ce::254/128",
)  # fmt: skip
"""Unspecified, link-local, multicast, reserved; and the addresses of clouds' metadata services, which give secrets to a
machine (Alibaba, Azure, Oracle, Amazon, Google)."""

_NOT_PUBLIC = _networks(
    "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
    "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7",
)  # fmt: skip
"""Networks that `is_global` of some Python versions takes for public, or whose addresses stand for an IPv4 address."""

_CARRIERS = _networks("::ffff:0:0/96", "64:ff9b::/96")
"""IPv4 addresses written as IPv6 (mapped, NAT64); they are checked as the IPv4 address they contain."""


NEVER_CALLED = "the address is never called: it is link-local, a cloud's metadata, or nobody's"
NOT_ALLOWED = (
    "the address is not public, and FORWARD_ALLOW_NETS does not have its network and port; write its network there, as"
    " 127.0.0.1/32 for an app on this machine"
)

_LOCALHOST = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))


class WrongUrl(ValueError):
    """A URL that no endpoint may have. The message says why, without quoting the URL."""


def check_url(url: str, allowed: Sequence[AllowedNetwork] = ()) -> None:
    """Raise `WrongUrl` for a URL that must not be called.

    Of host names only `localhost` is checked here, with both its addresses; others are checked when they are resolved.
    """
    if not re.fullmatch(r"[!-\[\]-~]{1,2000}", url):  # printable ASCII but the backslash, which some read as a slash
        raise WrongUrl("must be an ASCII URL without spaces or backslashes, of at most 2000 characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WrongUrl("is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongUrl("must begin with https:// or http:// and name a host")
    if "@" in parts.netloc:
        raise WrongUrl("must not hold a user or a password")
    if port == 0 or "%" in parts.netloc or not re.fullmatch(r"[0-9A-Za-z._:-]+", parts.hostname):
        raise WrongUrl("must name a host by its name or address, and a port above 0 if any")
    reasons = [why_not(each, port or _PORTS[parts.scheme], allowed) for each in _known_addresses(parts.hostname)]
    if reasons and None not in reasons:
        raise WrongUrl(reasons[0])


def is_localhost(host: str) -> bool:
    """Return whether this name means this machine, whatever a resolver would answer."""
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def is_this_machine(host: str) -> bool:
    """Return whether this name or address, as it stands in a URL, leads nowhere but to this machine."""
    known = _known_addresses(host)
    return bool(known) and all(each.is_loopback for each in known)


def _known_addresses(host: str) -> tuple[Address, ...]:
    """Return the addresses of a host that are known without a resolver: none for most names."""
    if is_localhost(host):
        return _LOCALHOST
    try:
        return (ipaddress.ip_address(host),)
    except ValueError:
        pass
    try:  # resolvers read 127.1, 2130706433 and 0x7f000001 as an address, too
        return (ipaddress.IPv4Address(socket.inet_aton(host.rstrip("."))),)
    except OSError:
        return ()


def why_not(address: Address, port: int, allowed: Sequence[AllowedNetwork]) -> str | None:
    """Return why this address must not be called, or None if it may. `allowed` are the user's private networks."""
    carried = _carried(address)
    if carried is not None:
        return why_not(carried, port, allowed)
    if getattr(address, "scope_id", None) is not None or _is_in(address, _NEVER):
        return NEVER_CALLED
    if _is_in(address, [each for each in allowed if not isinstance(each, tuple)]):
        return None
    if _is_in(address, [each[0] for each in allowed if isinstance(each, tuple) and each[1] == port]):
        return None
    if not address.is_global or _is_in(address, _NOT_PUBLIC):
        return NOT_ALLOWED
    return None


def _carried(address: Address) -> Address | None:
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is None and _is_in(address, _CARRIERS):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
