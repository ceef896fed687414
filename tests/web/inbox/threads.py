"""Threads as the templates show them, without a database: messages in, HTML out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from flask import Flask
from flask_babel import Babel
from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader
from markupsafe import Markup

from app.config.parsers import ROOT
from app.web.inbox.rendering import Beside, bubbles

Json = dict[str, Any]
AT = "2026-11-30T12:00:00Z"

_THREAD = """{% import "inbox/thread/bubble.html" as parts with context -%}
{% for b in bubbles %}{{ parts.system(b) if b.kind in ("system", "call") else parts.bubble(b) }}{% endfor %}"""


class Links:
    """Addresses of what can be done with a message."""

    def __getattr__(self, name: str) -> Any:
        return lambda message_id: f"/inbox/{name}/{quote(message_id, safe='')}"


def message(kind: str, content: Any, **more: Any) -> Json:
    """A normalised message of a customer; `more` replaces any of its keys."""
    usual = {
        "id": "0199", "message_id": "wamid.A", "message_type": kind, "message": f"[{kind}]", "content": content,
        "direction": "inbound", "status": "received", "timestamp": AT, "flags": [], "source": "live", "context": None,
        "referral": None, "error": None,
    }  # fmt: skip
    return usual | more


def sent(kind: str, content: Any, **more: Any) -> Json:
    """A message of ours."""
    return message(kind, content, **{"direction": "outbound", "status": "delivered", **more})


def thread(*messages: Mapping[str, Any], beside: Beside | None = None, name: str = "Ana") -> str:
    """The HTML of these messages."""
    app = _app()
    with app.test_request_context():
        shown = bubbles(messages, beside or Beside())
        return app.jinja_env.get_template("thread").render(bubbles=shown, contact_name=name, links=Links())


@cache
def _app() -> Flask:
    app = Flask("threads")
    Babel(app)
    own = DictLoader({"thread": _THREAD})
    app.jinja_env.loader = ChoiceLoader([own, FileSystemLoader(ROOT / "app" / "templates")])
    app.jinja_env.globals.update(
        csrf_token=lambda: "token", moment=lambda at, style: Markup("<time>{}</time>").format(at.isoformat())
    )
    return app
