"""The two ids of a customer in Meta's JSON.

A customer has a phone number (`wa_id`, digits), a business-scoped user id (`ES.4411…`), or both. Meta leaves the phone
number out for users who chose a username, so code must work without either (Meta: business-scoped-user-ids).
"""

from __future__ import annotations

import re

_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]+")
_DECORATION = re.compile(r"[\s+().\-\u00a0]")


def is_user_id(text: str) -> bool:
    """Return whether a text is a business-scoped user id: a country code, a dot, letters and digits."""
    return _USER_ID.fullmatch(text) is not None


def bare_number(text: str) -> str:
    """Return the digits of a phone number, as Meta writes a `wa_id`; return any other text unchanged.

    Only punctuation is removed. Digits are never changed, because a Brazilian, Mexican or Argentine number would then
    belong to somebody else.
    """
    if text.isdigit():
        return text
    digits = _DECORATION.sub("", text)
    return digits if digits.isdigit() else text
