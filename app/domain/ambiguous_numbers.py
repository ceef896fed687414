"""Countries where WhatsApp may know a person by other digits than the numbering plan says.

A `wa_id` is made when an account is, and stays when the country changes its numbers. Both forms are one person. Which
of them Meta knows cannot be computed, so none is ever rewritten: the table is for finding a contact, for judging what
may be sent to, and for reading numbers that are written in an old way.

Sources, by country (looked up in November 2026):

- AR: mobiles have a 9 after 54, which Meta's test numbers leave out (chatwoot#13932, chatwoot#11053). The plan:
  phonenumbers.
- MX: the 1 after 52, and 044, 045 and 01 before national numbers, were abolished in 2019 and 2020; older accounts keep
  `521…` (chatwoot#5840; Meta: messages/send-messages says that it may change Mexican and Brazilian prefixes).
- BR: accounts from before the ninth digit keep eight; Evolution API's createJid.ts goes by area code, "usually".
- BJ: on 30 November 2024 all numbers got 01 before them (mobi/telephone_number#138, phonenumbers).
- CI: on 31 January 2021 mobiles got 07 (Orange), 05 (MTN) or 01 (Moov) before them, which the second digit of the old
  number tells (ARTCI; the prefixes by operator in aurellemeless/cipnn); WhatsApp kept the accounts of before
  (devlikeapro/waha#1894).
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """A country of the table. Each pair is a pattern for the whole number, and its replacement.

    `twins` turn one form of a wa_id into its other form. `national` turns an outdated national notation into the
    national digits of today's numbering plan.
    """

    region: str
    code: str
    twins: tuple[tuple[str, str], ...]
    national: tuple[tuple[str, str], ...] = ()


_IVORIAN = (("01", "0-3"), ("05", "4-6"), ("07", "7-9"))
"""The new prefixes of mobile numbers, each with the second digits of the old numbers that got it. Old landline numbers
began with 2 and 3."""

COUNTRIES = {
    country.region: country
    for country in (
        Country("AR", "54", ((r"549(\d{10})", r"54\1"), (r"54(\d{10})", r"549\1"))),
        Country(
            "MX",
            "52",
            ((r"521(\d{10})", r"52\1"), (r"52(\d{10})", r"521\1")),
            ((r"(?:044|045|01|1)(\d{10})", r"\1"),),
        ),
        # Only numbers from 6 upwards were mobiles with eight digits: 55 11 9 4xxx-xxxx without its 9 is a landline.
        Country(
            "BR",
            "55",
            ((r"55(\d\d)9([6-9]\d{7})", r"55\1\2"), (r"55(\d\d)([6-9]\d{7})", r"55\g<1>9\2")),
            ((r"0?(\d\d)([6-9]\d{7})", r"\g<1>9\2"),),
        ),
        Country("BJ", "229", ((r"22901(\d{8})", r"229\1"), (r"229(\d{8})", r"22901\1")), ((r"(\d{8})", r"01\1"),)),
        Country(
            "CI",
            "225",
            tuple((rf"225{new}([04-9][{second}]\d{{6}})", r"225\1") for new, second in _IVORIAN)
            + tuple((rf"225([04-9][{second}]\d{{6}})", rf"225{new}\1") for new, second in _IVORIAN),
            tuple((rf"([04-9][{second}]\d{{6}})", rf"{new}\1") for new, second in _IVORIAN),
        ),
    )
}
"""The countries by region. A further country needs a row here, its source above, and a test case."""

_TWINS = tuple((re.compile(form), other) for country in COUNTRIES.values() for form, other in country.twins)
_NATIONAL = {
    country.region: tuple((re.compile(form), plain) for form, plain in country.national)
    for country in COUNTRIES.values()
}


def other_form(wa_id: str) -> str | None:
    """Return the other form under which Meta may know the same person, or None."""
    return _replaced(wa_id, _TWINS)


def national_digits(written: str, region: str) -> str | None:
    """Return the national digits of a number written in an outdated notation of its country, or None."""
    return _replaced(written, _NATIONAL.get(region, ()))


def region_of(digits: str) -> Country | None:
    """Return the country of the table whose code these digits begin with, or None."""
    return next((country for country in COUNTRIES.values() if digits.startswith(country.code)), None)


def _replaced(text: str, rules: tuple[tuple[re.Pattern[str], str], ...]) -> str | None:
    for form, replacement in rules:
        if form.fullmatch(text):
            return form.sub(replacement, text)  # `sub` caches the parsed replacement; a match's `expand` does not
    return None
