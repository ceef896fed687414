"""Access control. Every blueprint declares its access by `open_to_all` or `requires`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Flask, g, request

from app.errors import Forbidden, Unauthenticated
from app.services.audit_log import acting_as, no_longer_acting
from app.services.registries import Caller
from app.web import caller_limits, hosts
from app.web.context import gateway

ACCESS = "gateway.access"
OWN_CALLER = "gateway.own_caller"
"""In a WSGI environment of a request that this process makes to itself: its `OwnCaller`, or None where a key says who
calls. No header can set it."""


@dataclass(frozen=True, slots=True)
class OwnCaller:
    """Who makes a request within this process, without a key, and how the audit log names them."""

    caller: Caller
    actor: str


def open_to_all(bp: Blueprint) -> Blueprint:
    """Declare that a blueprint's routes need no key."""
    bp.record_once(lambda state: state.app.extensions.setdefault(ACCESS, {}).update({bp.name: None}))
    return bp


def requires(scope: str, bp: Blueprint) -> Blueprint:
    """Declare that every route of a blueprint needs a key with this scope."""
    bp.record_once(lambda state: state.app.extensions.setdefault(ACCESS, {}).update({bp.name: scope}))
    bp.before_request(partial(check, scope))
    return bp


def init_app(app: Flask) -> None:
    """Refuse to start if a blueprint declares no access. Raises `RuntimeError`."""
    app.teardown_request(_forget_actor)
    silent = set(app.blueprints) - set(app.extensions.get(ACCESS, {}))
    if silent:
        raise RuntimeError(f"no access declared for: {', '.join(sorted(silent))}")


def check(scope: str, schemes: Collection[str] = ("bearer",)) -> None:
    """Authenticate the request by the key in its header, and check the scope. Raises `Unauthenticated`, `Forbidden`."""
    identify(header_key(schemes))
    permit(scope)


def header_key(schemes: Collection[str] = ("bearer",)) -> str:
    """Return the key in the `Authorization` header if its scheme is one of `schemes`, else an empty string."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() in schemes else ""


def identify(key: str, face: str = "api") -> None:
    """Set the request's caller from an API key, and record the key's use.

    Raises `Unauthenticated`, and `TooManyRequests` if the key has made too many.
    """
    own = request.environ.get(OWN_CALLER)
    if isinstance(own, OwnCaller):
        g.caller = own.caller
        name_actor(own.actor)
        return
    if not key:
        raise Unauthenticated(hosts.no_key(request.environ))
    found = gateway().api_keys.find(key)
    if found is None:
        raise Unauthenticated(Unauthenticated.unknown)
    caller_limits.count(gateway().config, found.name)
    g.caller = found
    name_actor(f"key:{found.name}")
    gateway().record_key_use(found.name, face)


def name_actor(actor: str) -> None:
    """Name who acts in this request, for the audit log: `key:<name>` or `person:<id>`. The last call counts."""
    token = acting_as(actor)
    g.setdefault("actor_tokens", []).append(token)


def _forget_actor(_error: BaseException | None) -> None:
    """Restore who acted before the request: a thread serves many."""
    for token in reversed(g.pop("actor_tokens", [])):
        no_longer_acting(token)


def permit(scope: str) -> None:
    """Raise `Forbidden` unless the caller's key has this scope."""
    if not caller().may(scope):
        raise Forbidden(f"This key lacks the scope `{scope}`.")
    if scope == "admin" and caller().numbers is not None:
        # Admin routes, such as raw webhooks, concern all numbers at once.
        raise Forbidden("This key is bound to numbers, and this route is about all of them.")


def caller() -> Caller:
    """Return the authenticated caller of this request."""
    found: Caller = g.caller
    return found
