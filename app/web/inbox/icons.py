"""The icons that conversations use again and again: defined once a page, and named where they stand."""

from __future__ import annotations

from functools import cache

from markupsafe import Markup

from app.web.inbox.assets import symbol

ICONS = {
    "back": "arrow-left", "bot": "robot", "call": "telephone", "cancel": "slash-circle", "cart": "cart3",
    "check": "check-lg", "clip": "paperclip", "clock": "clock", "copy": "copy", "delivered": "check-all",
    "down": "chevron-down", "download": "download", "failed": "exclamation-circle-fill", "file": "file-earmark-text",
    "form": "ui-checks", "forward": "forward", "held": "pause-circle-fill", "info": "info-circle",
    "list": "list-ul", "mic": "mic-fill", "music": "music-note-beamed", "note": "sticky", "open": "box-arrow-up-right",
    "person": "person-fill", "picture": "image", "pin": "geo-alt-fill", "plus": "plus-lg", "reply": "reply",
    "retry": "arrow-clockwise", "search": "search", "send": "send-fill", "sent": "check-lg", "smile": "emoji-smile",
    "sticker": "sticky-fill", "tap": "hand-index-thumb", "template": "card-text", "trash": "trash3",
    "unknown": "question-circle", "video": "camera-video-fill", "x": "x-lg",
}  # fmt: skip
"""Our names, as templates and scripts use them, and Bootstrap's."""


@cache
def sprite() -> Markup:
    """Return the definitions of all icons, for the beginning of a page."""
    shapes = []
    for name, theirs in ICONS.items():
        box, shape = symbol(theirs)
        shapes.append(Markup('<symbol id="i-{}" viewBox="{}">{}</symbol>').format(name, box, Markup(shape)))
    return Markup('<svg class="sprite" width="0" height="0" aria-hidden="true" focusable="false">{}</svg>').format(
        Markup("").join(shapes)
    )
