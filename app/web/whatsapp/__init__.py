"""The customer's blueprint: what Meta calls, and what sends."""

from __future__ import annotations

from flask import Blueprint

from app.web.auth import open_to_all
from app.web.idempotency import ignores_key
from app.web.whatsapp import send, webhook

bp = open_to_all(Blueprint("whatsapp", __name__))
bp.add_url_rule("/webhook/whatsapp", view_func=webhook.handshake, methods=["GET"], strict_slashes=False)
bp.add_url_rule(
    "/webhook/whatsapp", view_func=ignores_key(webhook.receive), methods=["POST"], strict_slashes=False
)
bp.add_url_rule("/send/whatsapp", view_func=send.send, methods=["POST"])
