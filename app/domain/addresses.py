"""How people are named on the wire.

A person has a phone (`wa_id`, digits), a business-scoped user id (`ES.4411…`), or both. Meta leaves the phone out for
users who chose a username, so neither can be counted on (Meta: business-scoped-user-ids).
"""

from __future__ import annotations

import re

_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]+")
_DECORATION = re.compile(r"[\s+().\-\u00a0]")


def is_user_id(text: str) -> bool:
    """Whether this is a business-scoped user id: a country, a dot, letters and digits."""
    return _USER_ID.fullmatch(text) is not None


def bare_number(text: str) -> str:
    """The digits of a phone number, as Meta writes a `wa_id`. Anything else comes back as it is.

    Only decoration goes: a number is never rewritten, or Brazilian, Mexican and Argentine ones would change owner.
    """
    if text.isdigit():
        return text
    digits = _DECORATION.sub("", text)
    return digits if digits.isdigit() else text
