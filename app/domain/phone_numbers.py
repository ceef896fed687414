"""Phone numbers as people and programs write them, as E.164, and as Meta's `wa_id` (digits, no plus).

A number is never rewritten because a country changed its numbering: Meta may know a person by either form, and the
other form may belong to somebody else. `variants` is for finding a contact, not for sending. `ambiguous_numbers` has
the table of such countries.
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from app.domain import ambiguous_numbers

LONGEST = 40  # characters of a number with its punctuation
SHORTEST, LONGEST_E164 = 7, 15  # digits with the country code (maximum: ITU E.164)

_WRITTEN = re.compile(r"\(?\+?[\d\s().\-/\u2010-\u2013]+")
_INVISIBLE = "Cf"  # Unicode category of the direction marks that are copied along with a number
_SCHEME = re.compile(r"(?:whatsapp|tel|sms):(?://)?", re.IGNORECASE)
_JID = re.compile(r"\+?(\d+)(?::\d+)?@(?:s\.whatsapp\.net|c\.us)", re.IGNORECASE)
"""The account ids of WhatsApp's own protocol, as libraries for it write them, with or without a device's number."""


class NotANumber(ValueError):
    """The text is no phone number that can be sent to. The message says what to write and never quotes the text."""


class NotInAnyPlan(NotANumber):
    """The digits begin with a country code but are in no numbering plan.

    They may be a wa_id all the same: `e164` holds them, for contacts who are known to have written from that number.
    """

    def __init__(self, e164: str) -> None:
        super().__init__("is not a phone number: none has this country code and this many digits")
        self.e164 = e164


def to_e164(text: str, default_region: str | None = None) -> str:
    """Return a number as `+` and digits.

    `+` or `00` and a country code stand for themselves, and so does an address such as `whatsapp:+…`, `tel:+…` or
    `…@s.whatsapp.net`. National notation needs `default_region` (`AR`, `ES`, …) and a number that exists there, in the
    plan or in an old way of writing it; the country's own code may stand before it without a plus. Other digits without
    a plus are refused: they could reach a stranger in another country. Numbers given with their country code need only
    have a possible length, since test numbers are not in any plan. Raises `NotANumber`.
    """
    account = _JID.fullmatch(text.strip())
    if account and SHORTEST <= len(account[1]) <= LONGEST_E164:
        return f"+{account[1]}"
    digits = _digits(_SCHEME.sub("", text.strip(), count=1) if _SCHEME.match(text.strip()) else text)
    if digits.startswith("+"):
        return _international(digits[1:])
    if digits.startswith("00"):
        return _international(digits[2:])
    if default_region is None:
        raise NotANumber("needs + and the country code first, as in +5491112345678 (or set DEFAULT_REGION)")
    return _national(digits, default_region)


def lookup_forms(text: str, default_region: str | None = None) -> tuple[str, ...]:
    """Return every `wa_id` that a number in a search may stand for, in any notation.

    Bare digits are taken as a `wa_id`, and also as a number of `default_region` if they are valid there. A space before
    the digits is read as a plus that was not escaped in a query string. Empty if the text is no number.
    """
    if re.match(r" \d", text):
        text = f"+{text[1:]}"
    found: list[str] = [text] if text.isascii() and text.isdigit() and len(text) <= LONGEST else []
    try:
        found.append(to_wa_id(to_e164(text, default_region)))
    except NotInAnyPlan as unusual:
        found.append(to_wa_id(unusual.e164))
    except NotANumber:
        pass
    return tuple(dict.fromkeys(form for wa_id in found for form in variants(wa_id)))


def from_wa_id(wa_id: str) -> str:
    """Return `+E.164` for Meta's form, which always begins with the country code."""
    return f"+{wa_id}"


def to_wa_id(e164: str) -> str:
    """Return Meta's form of an E.164 number."""
    return e164.removeprefix("+")


def variants(wa_id: str) -> tuple[str, ...]:
    """Return every form under which Meta may know this number, the given one first."""
    other = ambiguous_numbers.other_form(wa_id)
    return (wa_id, other) if other else (wa_id,)


def _digits(text: str) -> str:
    """Return ASCII digits, with a plus in front if the text has one."""
    plain = unicodedata.normalize("NFKC", text)
    visible = "".join(char for char in plain if unicodedata.category(char) != _INVISIBLE).strip()
    if len(visible) > LONGEST or not _WRITTEN.fullmatch(visible):
        raise NotANumber("is not a phone number; write + and the country code, then digits")
    digits = "".join(str(unicodedata.decimal(char)) for char in visible if char.isdecimal())
    return f"+{digits}" if "+" in visible else digits


def _international(digits: str) -> str:
    for form in variants(digits):
        number = _parse(f"+{form}", None)
        if number and phonenumbers.is_possible_number(number):
            written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            # It differs when a trunk prefix was written too, as in +44 (0)20, or +54 11 15.
            return f"+{digits}" if written == f"+{form}" else written
    country = ambiguous_numbers.region_of(digits)
    plain = ambiguous_numbers.national_digits(digits[len(country.code) :], country.region) if country else None
    if country and plain:
        return f"+{country.code}{plain}"
    if SHORTEST <= len(digits) <= LONGEST_E164:
        raise NotInAnyPlan(f"+{digits}")
    raise NotANumber("No phone number has this country code and this many digits.")


def _national(digits: str, region: str) -> str:
    number = _parse(digits, region)
    if number is not None and phonenumbers.is_valid_number(number):
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    code = str(phonenumbers.country_code_for_region(region))
    plain = ambiguous_numbers.national_digits(digits, region)
    if plain:
        return f"+{code}{plain}"
    complete = _parse(f"+{digits}", None) if digits.startswith(code) else None
    if complete is not None and (ambiguous_numbers.other_form(digits) or phonenumbers.is_valid_number(complete)):
        return f"+{digits}"
    raise NotANumber(f"is not a number in {region}; if these digits begin with a country code, write + before them")


def _parse(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None
