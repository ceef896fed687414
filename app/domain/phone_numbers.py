"""Phone numbers as people write them, as E.164, and as Meta's `wa_id` (E.164's digits, no plus).

A number is never rewritten because a country changed its numbering: Meta may know a person by either form, and the
other form may be somebody else's. `variants` is for finding a contact, not for sending.
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

LONGEST = 40  # characters of a number with all its decoration

_WRITTEN = re.compile(r"\(?\+?[\d\s().\-/\u2010-\u2013]+")
_INVISIBLE = "Cf"  # the direction marks that come along when a number is copied


class NotANumber(ValueError):
    """Text that is no phone number we could send to. The message says what to write, and never quotes the text."""


def to_e164(text: str, default_region: str | None = None) -> str:
    """Return a number as `+` and digits.

    `+` or `00` and a country code stand for themselves. National notation needs `default_region` (`AR`, `ES`, …) and
    a number that exists there; without one it could reach a stranger in another country. Numbers given with their
    country code need only have a possible length, since test numbers are not in any plan.
    """
    digits = _digits(text)
    if digits.startswith("+"):
        return _international(digits[1:])
    if digits.startswith("00"):
        return _international(digits[2:])
    if default_region is None:
        raise NotANumber("Write + and the country code first, as in +5491112345678 (or set DEFAULT_REGION).")
    return _national(digits, default_region)


def from_wa_id(wa_id: str) -> str:
    """Return `+E.164` for Meta's form, which always begins with the country code."""
    return f"+{wa_id}"


def to_wa_id(e164: str) -> str:
    """Return Meta's form of an E.164 number."""
    return e164.removeprefix("+")


def variants(wa_id: str) -> tuple[str, ...]:
    """Return every form under which Meta may know this number, the given one first.

    Argentina writes mobiles with a 9 after 54 or without, Mexico with a 1 after 52 or without, and Brazilian accounts
    from before the ninth digit keep eight.
    """
    other = _other_form(wa_id)
    return (wa_id, other) if other else (wa_id,)


def _other_form(wa_id: str) -> str | None:
    for country, mark in (("54", "9"), ("52", "1")):
        if re.fullmatch(rf"{country}{mark}\d{{10}}", wa_id):
            return country + wa_id[3:]
        if re.fullmatch(rf"{country}\d{{10}}", wa_id):
            return country + mark + wa_id[2:]
    # Only numbers from 6 upwards were mobiles with eight digits: 55 11 9 4xxx-xxxx without its 9 is a landline.
    if re.fullmatch(r"55\d\d9[6-9]\d{7}", wa_id):
        return wa_id[:4] + wa_id[5:]
    if re.fullmatch(r"55\d\d[6-9]\d{7}", wa_id):
        return f"{wa_id[:4]}9{wa_id[4:]}"
    return None


def _digits(text: str) -> str:
    """Return ASCII digits, with a plus before them if one was written."""
    plain = unicodedata.normalize("NFKC", text)
    visible = "".join(char for char in plain if unicodedata.category(char) != _INVISIBLE).strip()
    if len(visible) > LONGEST or not _WRITTEN.fullmatch(visible):
        raise NotANumber("Not a phone number: write + and the country code, then digits.")
    digits = "".join(str(unicodedata.decimal(char)) for char in visible if char.isdecimal())
    return f"+{digits}" if "+" in visible else digits


def _international(digits: str) -> str:
    for form in variants(digits):
        number = _parse(f"+{form}", None)
        if number and phonenumbers.is_possible_number(number):
            written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            # It differs when a trunk prefix was written too, as in +44 (0)20, or +54 11 15.
            return f"+{digits}" if written == f"+{form}" else written
    raise NotANumber("No phone number has this country code and this many digits.")


def _national(digits: str, region: str) -> str:
    number = _parse(digits, region)
    if number is None or not phonenumbers.is_valid_number(number):
        raise NotANumber(f"Not a number in {region}; write + and the country code first.")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _parse(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None
