"""Texts by which callers identify a person: a phone number in any notation, or Meta's user id."""

from __future__ import annotations

import re

from app.domain.addresses import bare_number, is_user_id
from app.domain.phone_numbers import NotANumber, to_e164, to_wa_id, variants

_DIGIT = re.compile(r"\d")
_OUR_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def may_name_somebody(text: str) -> bool:
    """Return whether a text can be an id of ours, a phone number or a user id."""
    return bool(is_our_id(text) or is_user_id(text) or len(_DIGIT.findall(text)) >= 5)


def is_our_id(text: str) -> bool:
    """Return whether a text has the form of an id made by the gateway."""
    return _OUR_ID.fullmatch(text) is not None


def names_of(text: str, default_region: str | None = None) -> tuple[str, ...]:
    """Return every alias that the text may stand for: each form of a phone number, or the user id itself.

    Digits without a plus are taken as international, as Meta writes them, and also as national numbers of
    `default_region` if there is one.
    """
    if is_user_id(text):
        return (text,)
    number = bare_number(text)
    found = list(variants(number)) if number.isdigit() else []
    try:
        found += variants(to_wa_id(to_e164(text, default_region)))
    except NotANumber:
        pass
    return tuple(dict.fromkeys(found)) or (text,)
