"""The words and times of pages: in the language and the zone of whoever reads them."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime
from functools import cache

from babel.dates import format_date, format_datetime, format_time
from flask import Flask, g, request
from flask_babel import Babel, get_locale
from markupsafe import Markup

from app.config.parsers import ROOT
from app.domain.people import LANGUAGES, Person

TRANSLATIONS = ROOT / "app" / "translations"
ZONE = "inbox-zone"
"""The cookie in which a browser tells its time zone; `static/inbox/inbox.js` sets it."""

NAMES = {"en": "English", "es": "Español", "pt": "Português"}


def init_app(app: Flask) -> None:
    """Set up translations, and give templates `moment`, `language` and `languages`."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    Babel(app, locale_selector=_language)
    app.jinja_env.globals.update(moment=moment, language=language, languages=NAMES)


def language() -> str:
    """Return the language of this request's page."""
    return str(get_locale())


def moment(at: datetime, style: str = "both") -> Markup:
    """Return a time as an element: `both` date and time, the same `exact` to the second, `date`, or `time`.

    It is in the zone that the browser told; before it did, in UTC, and the page's script writes it anew.
    """
    its_zone = zone()
    locale = get_locale()
    if style == "date":
        text = format_date(at.astimezone(its_zone), "medium", locale=locale)
    elif style == "time":
        text = format_time(at, "short", tzinfo=its_zone, locale=locale)
    elif style == "exact":
        day = format_date(at.astimezone(its_zone), "short", locale=locale)
        text = f"{day}, {format_time(at, 'medium', tzinfo=its_zone, locale=locale)}"
    else:
        text = format_datetime(at, "short", tzinfo=its_zone, locale=locale)
    told = "" if ZONE in request.cookies else " UTC"
    stamp = at.isoformat(timespec="seconds")
    return Markup('<time datetime="{}" data-style="{}">{}{}</time>').format(stamp, style, text, told)


def zone() -> zoneinfo.ZoneInfo:
    """Return the time zone of the browser, UTC before it told."""
    return _zone(request.cookies.get(ZONE, ""))


def when(at: datetime) -> Markup:
    """Return a time for a list: the hour of today, else the date."""
    is_today = at.astimezone(zone()).date() == datetime.now(zone()).date()
    return moment(at, "time" if is_today else "date")


def day_words(day: date) -> str:
    """Return a day as the line above its messages says it: `Monday, 30 November 2026`."""
    return format_date(day, "full", locale=get_locale())


def _language() -> str:
    """Return the language that the person chose, else the one that their browser prefers of those there are."""
    person: Person | None = g.get("person")
    chosen = person.language if person else None
    return chosen or request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name if name in _zones() else "UTC")
