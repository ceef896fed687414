"""Keys as Meta's tokens are asked for, carried and looked at: `oauth/access_token`, `me`, `debug_token`."""

from __future__ import annotations

import base64
from typing import Any

from flask import request

from app.errors import Unauthenticated
from app.schemas.api.graph import TOKEN_SCOPES, GraphMe, GraphToken
from app.security.encryption import hash_key
from app.services.registries import Caller
from app.web.auth import caller, header_key
from app.web.context import gateway
from app.web.graph.describing import describe_graph
from app.web.graph.reading import FORM, body_bytes, parse
from app.web.openapi.operations import ANY_OBJECT, given

Json = dict[str, Any]
_PARAMETER = "access_token"


def given_key() -> str:
    """The key of a request: of its header (Meta's own samples of uploads say OAuth), else of its query or body.

    An app's own token at Meta is `<app id>|<secret>`, and SDKs make it; what stands behind the sign is the key.
    """
    key = header_key(("bearer", "oauth"))
    if not key and gateway().config.graph_key_in_request:
        key = request.args.get(_PARAMETER, "") or _in_body()
    return key.rpartition("|")[2].strip()


def _in_body() -> str:
    """A key in a form or in JSON. Files are not read for it: nobody knows yet who sends them."""
    if request.method in ("GET", "HEAD") or not (request.mimetype == FORM or request.is_json):
        return ""
    found = parse(body_bytes(), keeps_all=True) or {}
    key = found.get(_PARAMETER)
    return key if isinstance(key, str) else ""


@describe_graph("exchangeToken", "Graph tokens", "", GraphToken, body=ANY_OBJECT)
def exchange_token() -> Json:
    """Give whoever shows a key as `client_secret` that key, as Meta gives an app its token."""
    given = {**(parse(body_bytes(), keeps_all=True) or {}), **request.args}
    secret = str(given.get("client_secret") or given.get("fb_exchange_token") or _basic_password())
    if not secret or gateway().api_keys.find(secret) is None:
        raise Unauthenticated("As `client_secret` an API key of this gateway is needed.")
    return {"access_token": secret, "token_type": "bearer"}


@describe_graph("getToken", "Graph tokens", "", GraphToken)
def exchange_token_by_query() -> Json:
    """Give a key back to whoever shows it in a query."""
    return exchange_token()


def _basic_password() -> str:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


@describe_graph("getMe", "Graph tokens", "read", GraphMe)
def show_me() -> Json:
    """Say who a key is: its name, and an id that is made of it."""
    return {"id": _id_of(caller()), "name": caller().name}


@describe_graph(
    "debugToken", "Graph tokens", "read", parameters=(given("input_token", "query", "The key to look at."),)
)
def debug_token() -> Json:
    """Say what a key of ours (`input_token`) may do, in Meta's words."""
    known = gateway().api_keys.find(request.args.get("input_token", "").rpartition("|")[2])
    if known is None:
        error = {"code": 190, "message": "Invalid OAuth access token: no key of this gateway."}
        return {"data": {"is_valid": False, "scopes": [], "error": error}}
    numbers = gateway().directory.current.numbers.values()
    accounts = {each.waba_id for each in numbers if known.numbers is None or each.phone_number_id in known.numbers}
    scopes = sorted({scope for ours, scope in TOKEN_SCOPES if known.may(ours)})
    data = {
        "app_id": gateway().config.whatsapp_app_id or "0", "type": "SYSTEM_USER", "application": "whatsapp-service",
        "is_valid": True, "expires_at": 0, "data_access_expires_at": 0, "user_id": _id_of(known), "scopes": scopes,
        "granular_scopes": [{"scope": scope, "target_ids": sorted(filter(None, accounts))} for scope in scopes],
    }  # fmt: skip
    return {"data": data}


def _id_of(known: Caller) -> str:
    return str(int(hash_key(known.name)[:12], 16))
