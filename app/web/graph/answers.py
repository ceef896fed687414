"""Graph's answers as ours: its URLs point at us, and no token of ours is in them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Response, jsonify, request

from app.graph.answers import without_token
from app.services.graph_proxy import ProxyAnswer
from app.web.context import gateway
from app.web.graph import links
from app.web.graph.paths import PREFIX, is_at_root

_VERSION = re.compile(r"/v\d{1,3}\.\d(?=/)")


def answer(found: ProxyAnswer) -> Response:
    """What Graph said, for the caller."""
    tree = found.answer
    if found.is_media:
        query = links.to_file(str(tree.get("id", "")), found.number.phone_number_id)
        tree = {**tree, "url": f"{root()}/whatsapp_business/attachments/?{urlencode(query)}"}
    return jsonify(_ours(without_token(tree, found.number.access_token)))


def root() -> str:
    """Where an SDK finds us: `PUBLIC_URL`, else wherever it sent this request."""
    config = gateway().config
    if is_at_root():  # whoever was given that name may know no other
        return f"{request.root_url.rstrip('/')}/{config.graph_api_version}"
    return f"{config.public_url or request.root_url.rstrip('/')}{PREFIX}/{config.graph_api_version}"


def _ours(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _ours(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_ours(item) for item in tree]
    return _own_url(tree) if isinstance(tree, str) else tree


def _own_url(text: str) -> str:
    """A text; if it is a URL of Graph's, as `paging.next` is, one of ours without the token that Graph puts there."""
    if not text.startswith(("http://", "https://")):
        return text
    try:
        parts, graph = urlsplit(text), urlsplit(gateway().config.graph_api_url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return text
    kept = [(name, value) for name, value in pairs if name not in ("access_token", "appsecret_proof")]
    path = parts.path.removeprefix(graph.path.rstrip("/"))
    if parts.netloc == graph.netloc and _VERSION.match(path):
        query = f"?{urlencode(kept)}" if kept else ""
        return f"{root()}{_VERSION.sub('', path, count=1)}{query}"
    return text if len(kept) == len(pairs) else parts._replace(query=urlencode(kept)).geturl()
