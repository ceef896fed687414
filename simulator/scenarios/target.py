"""Where a scenario sends its webhooks, and who may be a target."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from simulator.settings import BusinessNumber

WEBHOOK_PATH = "/webhook/whatsapp"


class NotATarget(ValueError):
    """An address that nothing may be sent to; says why."""


@dataclass(frozen=True)
class Target:
    """A deployment: where its webhooks go, who signs them, which numbers they are about.

    With an `api_key` (scope `read`, all numbers) what it made of them is read back through its API.
    """

    webhook_url: str
    app_secret: str = field(repr=False)
    api_key: str = field(default="", repr=False)
    numbers: tuple[BusinessNumber, ...] = (BusinessNumber(),)

    @property
    def base_url(self) -> str:
        """What its API's paths begin with."""
        return self.webhook_url.removesuffix(WEBHOOK_PATH).rstrip("/")


def check_address(url: str, *, is_own: bool) -> str:
    """Return a URL that may be sent to: on this machine, or one that somebody says is theirs. Raises `NotATarget`."""
    parts = urlsplit(url)
    try:
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if parts.scheme not in ("http", "https") or not has_host or parts.username or parts.query or parts.fragment:
        raise NotATarget("Give a URL such as http://127.0.0.1:8000/webhook/whatsapp.")
    if not is_own and not is_loopback(parts.hostname or ""):
        raise NotATarget("That is not on this machine. Say --i-own-this-target if you may send load there.")
    return url


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name alone; nothing is looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
