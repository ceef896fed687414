"""What a person typed into the one search box: an id of a message, somebody, or words."""

from __future__ import annotations

import re
from typing import Literal

from app.domain.addresses import is_user_id
from app.domain.person_names import is_our_id

_PHONE = re.compile(r"[+0-9()./\s-]{7,40}")


def kind_of(text: str) -> Literal["message_id", "contact", "q"]:
    """Return which parameter of the list of messages a text stands for."""
    text = text.strip()
    if text.startswith("wamid.") or is_our_id(text):
        return "message_id"
    if is_user_id(text) or (_PHONE.fullmatch(text) and sum(char.isdigit() for char in text) >= 7):
        return "contact"
    return "q"
