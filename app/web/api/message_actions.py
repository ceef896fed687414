"""What can be done to a message."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.web.auth import caller, requires
from app.web.context import gateway

bp = requires("send", Blueprint("message_actions", __name__, url_prefix="/api/messages"))


@bp.post("/<path:message_id>/read")
def read(message_id: str) -> ResponseReturnValue:
    """Show the customer that their message, and those before it, were read."""
    gateway().mark_read(message_id, caller().numbers)
    return {"success": True}


@bp.post("/<path:message_id>/typing")
def typing(message_id: str) -> ResponseReturnValue:
    """Mark the message as read and show that an answer is being written, for 25 seconds at most."""
    gateway().mark_read(message_id, caller().numbers, typing=True)
    return {"success": True}
