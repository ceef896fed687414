"""`/graph/<version>/…`: what Cloud API SDKs expect of Graph, with our keys instead of Meta's tokens.

Every version is served alike, and answers, errors and URLs have Graph's shapes. See docs/graph.md.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, request

from app.services import graph_edges
from app.web.auth import check, open_to_all
from app.web.graph import errors, links, media, messages, objects, uploads
from app.web.idempotency import takes_no_key

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
    ("/<object_id>", "GET", objects.read),
    ("/<object_id>", "POST", objects.change),
    ("/<object_id>", "DELETE", objects.delete),
    ("/<object_id>/<edge>", "GET", objects.read_edge),
    ("/<object_id>/<edge>", "POST", objects.change_edge),
    ("/<object_id>/<edge>", "DELETE", objects.delete_edge),
    ("/<path:anything>", "GET", objects.nothing),
    ("/<path:anything>", "POST", objects.nothing_to_change),
    ("/<path:anything>", "DELETE", objects.nothing_to_delete),
)
for _rule, _method, _view in _VIEWS:
    bp.add_url_rule(_rule, view_func=_view, methods=[_method], strict_slashes=False)

SCOPES = {
    "send": "send", "upload": "send", "download": "read", "read": "read", "change": "admin", "delete": "send",
    "nothing": "read", "start_upload": "send", "append_to_upload": "send", "show_upload": "send",
}  # fmt: skip
_EDGE_SCOPES = {"GET": "read", "POST": "admin", "DELETE": "admin"}


@bp.url_value_preprocessor
def _forget_version(endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values:
        values.pop("version", None)


@bp.before_request
def _enter() -> None:
    """Find the caller by the header's key: one in a query would stand in logs on its way."""
    name = (request.endpoint or "").rpartition(".")[2]
    linked = links.bearer() if name == "download" else None
    if linked is not None:
        g.caller = linked
        return
    method = "GET" if request.method == "HEAD" else request.method
    edge = (request.view_args or {}).get("edge", "")
    scope = SCOPES.get(name) or graph_edges.scope_of(edge, method) or _EDGE_SCOPES.get(method, "admin")
    check(scope, ("bearer", "oauth"))  # Meta's own samples of uploads say OAuth
