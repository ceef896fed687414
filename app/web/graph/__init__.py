"""`/graph/<version>/…`: what Cloud API SDKs expect of Graph, with our keys instead of Meta's tokens.

Every version is served alike, and answers, errors and URLs have Graph's shapes. See docs/graph.md.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, request

from app.errors import NotFound
from app.services.graph_proxy import allowlist
from app.web.auth import identify, open_to_all, permit
from app.web.graph import access, errors, links, media, messages, objects, subscriptions, uploads
from app.web.idempotency import ignores_key, takes_no_key

_NOT_HANDED_ON = (
    "Unsupported request: {method} /{path} is not among the calls that this gateway hands on to Meta; its docs/graph.md"
    " lists them."
)

# Who may call what differs by method and edge, so that the question is asked here, of every request.
bp = open_to_all(Blueprint("graph", __name__, url_prefix="/graph/<version>"))
errors.register(bp)

_VIEWS = (
    ("/<phone_number_id>/messages", "POST", messages.send),
    ("/<phone_number_id>/media", "POST", takes_no_key(media.upload)),
    ("/whatsapp_business/attachments/", "GET", media.download),
    ("/<app_id>/uploads", "POST", uploads.start_upload),
    ("/upload:<upload>", "POST", takes_no_key(uploads.append_to_upload)),
    ("/upload:<upload>", "GET", uploads.show_upload),
    ("/oauth/access_token", "GET", access.exchange_token_by_query),
    ("/oauth/access_token", "POST", ignores_key(access.exchange_token)),
    ("/me", "GET", access.show_me),
    ("/debug_token", "GET", access.debug_token),
    ("/<app_id>/subscriptions", "GET", subscriptions.list_subscriptions),
    ("/<app_id>/subscriptions", "POST", subscriptions.subscribe),
    ("/<app_id>/subscriptions", "DELETE", subscriptions.unsubscribe),
    ("/<object_id>", "GET", objects.read),
    ("/<object_id>", "POST", objects.change),
    ("/<object_id>", "DELETE", objects.delete),
    ("/<object_id>/<edge>", "GET", objects.read_edge),
    ("/<object_id>/<edge>", "POST", objects.change_edge),
    ("/<object_id>/<edge>", "DELETE", objects.delete_edge),
    ("/<object_id>/<edge>/<item_id>", "GET", objects.read_item),
    ("/<object_id>/<edge>/<item_id>", "POST", objects.change_item),
    ("/<object_id>/<edge>/<item_id>", "DELETE", objects.delete_item),
    ("/<path:anything>", "GET", objects.nothing),
    ("/<path:anything>", "POST", objects.nothing_to_change),
    ("/<path:anything>", "DELETE", objects.nothing_to_delete),
)
for _rule, _method, _view in _VIEWS:
    bp.add_url_rule(_rule, view_func=_view, methods=[_method], strict_slashes=False)

SCOPES = {
    "send": "send", "upload": "send", "download": "read", "read": "read", "change": "admin", "delete": "send",
    "start_upload": "send", "append_to_upload": "send", "show_upload": "send",
    "show_me": "any", "debug_token": "any", "list_subscriptions": "admin", "subscribe": "admin", "unsubscribe": "admin",
}  # fmt: skip


@bp.url_value_preprocessor
def _forget_version(endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values:
        values.pop("version", None)


@bp.before_request
def _enter() -> None:
    """Find the caller, and see what they may do."""
    name = (request.endpoint or "").rpartition(".")[2]
    if name.startswith("exchange_token"):  # who comes is what it is asked for
        return
    linked = links.bearer() if name == "download" else None
    if linked is not None:
        g.caller = linked
        return
    identify(access.given_key(), "graph")
    scope = _scope(name)
    if scope != "any":
        permit(scope)


def _scope(name: str) -> str:
    """What a call needs. Raises `NotFound` for what is not handed on, so that nobody looks for a scope in vain."""
    where = request.view_args or {}
    method, edge = "GET" if request.method == "HEAD" else request.method, where.get("edge", "")
    of_edge = allowlist.scope_of_item if "item_id" in where else allowlist.scope_of
    scope = SCOPES.get(name) or of_edge(edge, method)
    if scope is None and name not in SCOPES:
        path = "/".join(request.path.split("/")[3:])
        raise NotFound(_NOT_HANDED_ON.format(method=method, path=path[:100]))
    return scope or "admin"
