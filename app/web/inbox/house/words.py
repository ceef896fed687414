"""Durations, shares, counts and alerts as people read them."""

from __future__ import annotations

from functools import lru_cache

from babel.numbers import format_decimal, format_percent
from babel.units import format_unit
from flask_babel import get_locale, gettext

from app.domain.alerts import KINDS

_STEPS = ((1.0, 1000.0, "duration-millisecond"), (120.0, 1.0, "duration-second"), (7200.0, 1 / 60, "duration-minute"),
          (172800.0, 1 / 3600, "duration-hour"))  # fmt: skip
NONE = "–"


def duration(seconds: float | None) -> str:
    """Return a duration in the unit that fits it; a dash for None."""
    if seconds is None:
        return NONE
    factor, unit = next(((by, unit) for below, by, unit in _STEPS if seconds < below), (1 / 86400, "duration-day"))
    value = seconds * factor
    return _unit(round(value, 1) if value < 10 else round(value), unit, str(get_locale()))


def share(part: float | None) -> str:
    """Return a share from 0 to 1 in percent; a dash for None."""
    if part is None:
        return NONE
    return format_percent(part, format="#,##0.0%" if part < 0.1 else "#,##0%", locale=get_locale())


def count(number: float | None, most: int | None = None) -> str:
    """Return a count with the language's separators, with a plus where counting stopped at `most`."""
    if number is None:
        return NONE
    text = _decimal(number, str(get_locale()))
    return f"{text}+" if most is not None and number >= most else text


def what(kind: str, subject: str) -> str:
    """Return what an alert says is wrong, in the reader's language."""
    known = KINDS.get(kind)
    return gettext(known.what).format(subject=subject) if known else f"{kind} {subject}".strip()


def remedy(kind: str) -> str:
    """Return what to do about alerts of a kind, in the reader's language; empty for one that is not known."""
    known = KINDS.get(kind)
    return gettext(known.remedy) if known else ""


@lru_cache(4096)
def _unit(value: float, unit: str, language: str) -> str:
    """Write a value with its unit. Cached: a page of plots has hundreds, most of them the same few."""
    return format_unit(value, unit, length="short", locale=language)


@lru_cache(4096)
def _decimal(number: float, language: str) -> str:
    return format_decimal(number, format="#,##0.#", locale=language)
