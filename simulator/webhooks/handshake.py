"""The GET by which Meta makes sure that a callback URL is the app's own (Meta: webhooks/create-webhook-endpoint)."""

from __future__ import annotations

from random import Random

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from simulator.control.guard import LOOPBACK
from simulator.graph.errors import GraphRefusal

_SECONDS = 5.0


def verify_callback(random: Random, url: str, verify_token: str, allowed_hosts: tuple[str, ...]) -> None:
    """Refuse a callback that does not echo the challenge, or that is not on this machine."""
    if _host(url) not in (*LOOPBACK, *allowed_hosts):
        raise _failed("the simulator calls nobody outside this machine")
    challenge = str(random.randrange(10**9, 10**10))
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy leads to this machine
            answer = session.get(url, params=query, timeout=_SECONDS, allow_redirects=False)
    except requests.RequestException as err:
        raise _failed(type(err).__name__) from err
    if answer.status_code != 200 or answer.text != challenge:
        raise _failed(f"HTTP Status Code = {answer.status_code}; the challenge was not echoed")


def _host(url: str) -> str | None:
    """The host that requests will connect to: Python's own `urlsplit` finds another one in `http://a\\@b/`."""
    try:
        return parse_url(url).host
    except LocationParseError:
        return None


def _failed(why: str) -> GraphRefusal:
    return GraphRefusal(2200, why, f"(#2200) Callback verification failed with the following errors: {why}")
