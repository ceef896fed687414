"""The API, as commands that read and send see it: that of this machine, or of another gateway by `GATEWAY_URL`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import click

from app.config.parsers import ROOT
from app.security.endpoint_urls import is_this_machine

sys.path.insert(0, str(ROOT / "client"))  # the gateway's own, whichever may be installed beside it

from whatsapp_service_client import Client, GatewayError, NotAGateway, Unreachable  # noqa: E402

__all__ = [
    "KEY", "URL", "Client", "GatewayError", "api", "connect_with", "explain", "is_remote", "require_local", "within",
]  # fmt: skip

URL, KEY = "GATEWAY_URL", "API_KEY"
NO_READER = {"X-Echo-Bot": "command-line"}
"""Says of a request for events that nobody answers them: an echo bot goes on."""


def is_remote() -> bool:
    """Whether commands ask another gateway. The environment alone says so, never `.env`, which is this gateway's."""
    return bool(os.environ.get(URL))


def api() -> Client:
    """Return the API for the command that runs, for as long as it runs. Raises `ClickException`, `ConfigError`."""
    context = click.get_current_context().find_root()
    kept: Client | None = context.meta.get(__name__)
    if kept is None:
        kept = context.meta[__name__] = _remote() if is_remote() else _local()
        context.call_on_close(kept.close)
    return kept


def require_local(what: str) -> None:
    """Refuse what works on the gateway's own machine alone."""
    if is_remote():
        raise click.UsageError(f"{what} works on the gateway's own machine alone: unset {URL} there.")


def explain(error: GatewayError) -> str:
    """Say what was refused, of each field why, what Meta said, and what to do."""
    lines = [error.message, *(f"  {name}: {_reasons(said)}" for name, said in error.fields.items())]
    if error.meta.get("code") is not None:
        said = error.meta.get("details") or error.meta.get("message") or error.meta.get("title") or ""
        lines.append(f"  Meta: {error.meta['code']} {said}".rstrip())
    if error.code == "unavailable" and not is_remote():
        lines = _why_unavailable() or lines
    elif error.code == "unauthenticated":
        lines.append(f"  {KEY} must hold a key of that gateway: `keys add` makes one there.")
    elif isinstance(error, Unreachable | NotAGateway):
        lines.append(f"  {URL} is where commands ask: {os.environ.get(URL, '')}")
    if error.id:
        lines.append(f"  The message is kept: `messages timeline {error.id}`.")
    return "\n".join(lines)


def connect_with() -> Callable[[str], Client]:
    """Return a function that returns a client for a key: what it may do is what the key may do."""
    if is_remote():
        return lambda key: Client(os.environ[URL], key)
    from app.cli.base import services

    app = services().app
    return lambda key: within(app, key=key)


def _remote() -> Client:
    key = os.environ.get(KEY, "")
    if not key:
        raise click.UsageError(f"{URL} names another gateway: set {KEY} to a key of it (`keys add` there makes one).")
    try:
        client = Client(os.environ[URL], key)
    except ValueError as error:
        raise click.UsageError(f"{URL} or {KEY} cannot be right: {error}.") from None
    client.transport.session.headers.update(NO_READER)
    parts = urlsplit(os.environ[URL])
    if parts.scheme == "http" and not is_this_machine(parts.hostname or ""):
        click.echo(f"{URL} is http: whoever is on the way can read the key. Use https.", err=True)
    return client


def _local() -> Client:
    from app.actors import CLI
    from app.cli.base import services
    from app.services.registries import SCOPES, Caller
    from app.web.auth import OwnCaller

    return within(services().app, OwnCaller(Caller(f"{CLI}:", frozenset(SCOPES)), CLI))


def within(app: Any, own: Any = None, key: str = "-") -> Client:
    """Return a client of an application in this process: `own` needs no key."""
    import requests

    from app.cli.addresses import own_address
    from app.cli.in_process import InProcess

    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, InProcess(app, own))
    session.headers.update(NO_READER)
    return Client(own_address(app.extensions["gateway"].config), key, session=session, retries=0)


def _why_unavailable() -> list[str]:
    """Ask the database what is wrong with it: an answer of the API says of that no more than that it is away."""
    from sqlalchemy import select

    from app.cli.base import services
    from app.db.remedies import explain as explain_database
    from app.errors import Unavailable
    from app.models import Notification

    if click.get_current_context(silent=True) is None:
        return []  # an assistant is told no more than any other caller
    database = services().database
    try:
        with database.read() as session:
            session.execute(select(Notification.id).limit(1))
        return []
    except Unavailable as error:
        return [explain_database(error.__cause__, database.url) or error.reason]


def _reasons(said: Any) -> str:
    return ", ".join(map(str, said)) if isinstance(said, list) else str(said)
