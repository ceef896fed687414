"""An event in one line."""

from __future__ import annotations

from typing import Any

COLOURS = {
    "message.received": "green",
    "message.sent": "cyan",
    "message.status": "blue",
    "message.edited": "magenta",
    "message.revoked": "magenta",
    "gateway.alert": "bold red",
}


def what_of(event: Any) -> str:
    """Say what an event tells of, in a line. Nothing of it is trusted: control characters are left out."""
    data = event.get("data") or {}
    kind = event["type"]
    if kind in ("message.received", "message.sent"):
        other = data.get("sender") if kind == "message.received" else data.get("recipient")
        name = (data.get("contact") or {}).get("name")
        text = f"{name or other}: {data.get('message')}"
    elif kind == "message.status":
        text = _status(data)
    elif kind in ("message.edited", "message.revoked"):
        text = str((data.get("message") or {}).get("message"))
    elif kind == "contact.updated":
        text = f"{(data.get('contact') or {}).get('name')} ({data.get('reason')})"
    elif kind == "gateway.alert":
        text = str(data.get("message") or data.get("alert") or data.get("kind"))
    else:
        text = str(data.get("field") or "")
    return "".join(each if each.isprintable() else " " for each in text)


def colour_of(event: Any) -> str:
    """The colour of an event on a terminal; what failed is red."""
    status = (event.get("data") or {}).get("status")
    if event["type"] == "message.status" and isinstance(status, dict) and status.get("status") == "failed":
        return "red"
    return COLOURS.get(event["type"], "yellow")


def _status(data: Any) -> str:
    status, message = data.get("status") or {}, data.get("message") or {}
    error = status.get("error") or {}
    told = f"{message.get('recipient') or status.get('recipient')}: {status.get('status')}"
    return told + (f" ({error.get('code')} {error.get('title') or error.get('message')})" if error else "")
