"""Readings of more account events: those that cost service, money or reach.

Each kind of alert reads one or two webhook fields. The latest event about a subject decides whether the alert holds. An
alert for which Meta sends no end is over after a week.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from app.domain.account_news import FORGOTTEN_AFTER, News, Reading, template
from app.domain.alerts import Finding
from app.domain.numbers import Directory


class Word(NamedTuple):
    """What one event says: its subject, whether that is bad, and details for the alert."""

    subject: str
    is_bad: bool
    details: dict[str, Any]


def last_word(read: Callable[[News], Word | None], *, has_end: bool) -> Reading:
    """Return a reading that keeps the latest word on each subject of each account.

    `read` returns None for events that do not concern the alert. Without `has_end`, a bad word expires after
    `FORGOTTEN_AFTER`.
    """

    def standing(news: list[News], _directory: Directory, now: datetime) -> list[Finding]:
        last: dict[str, Finding | None] = {}
        for each in news:
            word = read(each)
            if word is not None:
                finding = each.finding(word.subject, **word.details)
                is_over = not word.is_bad or (not has_end and each.at <= now - FORGOTTEN_AFTER)
                last[finding.subject] = None if is_over else finding
        return [finding for finding in last.values() if finding is not None]

    return standing


_WARNINGS = {"REJECTED", "FLAGGED", "LIMIT_EXCEEDED"}


def _template_warning(each: News) -> Word | None:
    if each.field == "message_template_quality_update":
        score = each.text("new_quality_score")
        return Word(f"{template(each)}: quality", score == "RED", {"quality": score})
    event = each.text("event")
    return Word(template(each), event in _WARNINGS, {"status": event, "reason": each.text("reason")})


def _dearer_template(each: News) -> Word | None:
    new, correct = each.text("new_category"), each.text("correct_category")
    details = {"category": correct or new, "before": each.text("previous_category")}
    return Word(template(each), (correct or new) == "MARKETING", details)


def _price(each: News) -> Word | None:
    event = each.text("event")
    is_about_price = event in ("AUTH_INTL_PRICE_ELIGIBILITY_UPDATE", "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE")
    return Word(event, True, {}) if is_about_price else None


def _review(each: News) -> Word | None:
    decision = each.text("decision")
    return Word("its review", decision in ("REJECTED", "DEFERRED"), {"decision": decision})


def _display_name(each: News) -> Word | None:
    digits = "".join(filter(str.isdigit, each.text("display_phone_number")))
    is_bad = each.text("decision") in ("REJECTED", "DECLINED")
    return Word(f"…{digits[-4:]}", is_bad, {"reason": each.text("rejection_reason")})


def _username(each: News) -> Word | None:
    return Word("username", each.text("status") == "deleted", {"status": each.text("status")})


def _security(each: News) -> Word | None:
    digits = "".join(filter(str.isdigit, each.text("display_phone_number")))
    return Word(f"…{digits[-4:]}", each.text("event").startswith("PIN_"), {"event": each.text("event")})


def _flow(each: News) -> Word | None:
    event, status = each.text("event"), each.text("new_status")
    details = {"event": event, "status": status, "state": each.text("alert_state")}
    if status:
        return Word(each.text("flow_id"), status in ("BLOCKED", "THROTTLED"), details)
    return Word(f"{each.text('flow_id')}: {event}", each.text("alert_state") == "ACTIVATED", details)


template_warned = last_word(_template_warning, has_end=True)
template_dearer = last_word(_dearer_template, has_end=False)
price_changed = last_word(_price, has_end=False)
review_failed = last_word(_review, has_end=True)
name_refused = last_word(_display_name, has_end=True)
username_lost = last_word(_username, has_end=True)
pin_changed = last_word(_security, has_end=False)
flow_failing = last_word(_flow, has_end=True)
