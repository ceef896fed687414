"""Find what is wrong with an account, its numbers and its templates, from all of Meta's events about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.domain.alerts import Finding
from app.domain.numbers import Directory

FORGOTTEN_AFTER = timedelta(days=7)
"""The age of an event at which its alert ends, if Meta sends no event that ends it."""

RESTRICTIONS = {
    "ACCOUNT_DELETED",
    "ACCOUNT_OFFBOARDED",
    "ACCOUNT_RESTRICTION",
    "ACCOUNT_VIOLATION",
    "DISABLED_UPDATE",
    "PARTNER_REMOVED",
    "PARTNER_APP_UNINSTALLED",
}
_ENDS = {
    "ACCOUNT_RECONNECTED": "ACCOUNT_OFFBOARDED",
    "PARTNER_ADDED": "PARTNER_REMOVED",
    "PARTNER_APP_INSTALLED": "PARTNER_APP_UNINSTALLED",
}
"""Each key is an `account_update` event that ends the alert of its value."""

OFF = {"PAUSED", "DISABLED", "LOCKED", "ARCHIVED", "PENDING_DELETION"}
"""Statuses of a template that Meta does not send, or will stop sending soon."""

_TIERS = {
    "TIER_50": 50, "TIER_250": 250, "TIER_1K": 1_000, "TIER_2K": 2_000, "TIER_10K": 10_000, "TIER_100K": 100_000,
    "TIER_UNLIMITED": 1_000_000_000,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class News:
    """One `account.<field>` event: its field, when it happened, Meta's JSON, and the business account it is about."""

    field: str
    at: datetime
    value: dict[str, Any]
    account: str = ""

    def text(self, name: str) -> str:
        """Return a text of Meta's JSON, shortened and cleaned so that it can be shown."""
        return plain(self.value.get(name))

    def finding(self, subject: str, **details: Any) -> Finding:
        """Return a finding about a subject of this account. The account is part of the subject, so each has its own
        alerts."""
        named = f"{subject} (account {self.account})" if self.account else subject
        return Finding(named, details=details | {"waba_id": self.account or None})


Reading = Callable[[list[News], Directory, datetime], list[Finding]]
"""Returns the findings at a time from an account's events, oldest first."""


def quality_low(news: list[News], directory: Directory, _now: datetime) -> list[Finding]:
    """Return the numbers that Meta has flagged for low quality."""
    flagged: dict[str, Finding] = {}
    for each in news:
        event = each.value.get("event")
        finding = _number(each, directory)
        if event == "FLAGGED":
            flagged[finding.subject] = finding
        elif event == "UNFLAGGED":
            flagged.pop(finding.subject, None)
    return list(flagged.values())


def limit_lowered(news: list[News], directory: Directory, _now: datetime) -> list[Finding]:
    """Return the numbers and accounts whose messaging limit was lowered and has not come back to its former value."""
    limits: dict[str, int] = {}
    lowered: dict[str, tuple[int, Finding]] = {}
    for each in news:
        finding = _limited(each, directory)
        limit = messaging_limit(each.value)
        was = limits.get(finding.subject)
        if each.value.get("event") == "DOWNGRADE" or (limit and was and limit < was):
            lowered.setdefault(finding.subject, (was or (limit or 0) + 1, finding))
        elif finding.subject in lowered and (
            each.value.get("event") == "UPGRADE" or (limit and limit >= lowered[finding.subject][0])
        ):
            del lowered[finding.subject]
        if limit:
            limits[finding.subject] = limit
    return [finding for _, finding in lowered.values()]


def template_paused(news: list[News], _directory: Directory, _now: datetime) -> list[Finding]:
    """Return the templates whose latest event says that they were paused or disabled."""
    last: dict[str, Finding | None] = {}
    for each in news:
        finding = each.finding(template(each), status=each.text("event"), reason=each.text("reason"))
        last[finding.subject] = finding if each.text("event") in OFF else None
    return [finding for finding in last.values() if finding is not None]


def account_restricted(news: list[News], _directory: Directory, now: datetime) -> list[Finding]:
    """Return the restrictions and removals of the last days, except of accounts that were reinstated since."""
    found: dict[tuple[str, str], Finding] = {}
    for each in news:
        event = each.text("event")
        state = ", ".join(plain(ban.get("waba_ban_state")) for ban in objects(each.value.get("ban_info")))
        if state.startswith("REINSTATE"):
            found = {key: finding for key, finding in found.items() if key[0] != each.account}
        elif event in _ENDS:
            found.pop((each.account, _ENDS[event]), None)
        elif event in RESTRICTIONS and each.at > now - FORGOTTEN_AFTER:
            found[each.account, event] = each.finding(event, state=state, reason=_reason(each.value))
    return list(found.values())


def account_alert(news: list[News], _directory: Directory, now: datetime) -> list[Finding]:
    """Return Meta's warnings of the last days that it has not withdrawn."""
    found: dict[str, Finding | None] = {}
    for each in news:
        info = each.value.get("alert_info")
        info = info if isinstance(info, dict) else each.value
        severity, status = plain(info.get("alert_severity")), plain(info.get("alert_status"))
        finding = each.finding(plain(info.get("alert_type")) or "ALERT", severity=severity)
        goes_on = severity not in ("INFORMATIONAL", "INFO") and status not in ("RESOLVED", "NONE", "INACTIVE")
        is_recent = each.at > now - FORGOTTEN_AFTER
        found[finding.subject] = finding if goes_on and is_recent else None
    return [finding for finding in found.values() if finding is not None]


def _number(each: News, directory: Directory) -> Finding:
    """Return a finding about one of our numbers, found by its id, else named by its last digits."""
    found = number_of(each, directory)
    details = {"event": each.text("event"), "limit": each.value.get(_LIMIT)}
    return Finding(found, found, details) if found else each.finding(f"…{_digits(each)[-4:]}", **details)


def number_of(each: News, directory: Directory) -> str | None:
    """Return the `phone_number_id` of our number that an event is about: by its display number, else the only number of
    the account."""
    digits, numbers = _digits(each), directory.numbers.values()
    of_account = [number for number in numbers if number.waba_id == each.account] if each.account else list(numbers)
    ids = [number.phone_number_id for number in numbers if digits and number.display_phone_number == digits]
    ids = ids or ([of_account[0].phone_number_id] if len(of_account) == 1 else [])
    return ids[0] if ids else None


def _digits(each: News) -> str:
    return "".join(filter(str.isdigit, each.text("display_phone_number")))


def _limited(each: News, directory: Directory) -> Finding:
    if each.field == "business_capability_update":
        return each.finding("the business", limit=each.value.get(_LIMIT))
    return _number(each, directory)


_LIMIT = "max_daily_conversations_per_business"


def messaging_limit(value: dict[str, Any]) -> int | None:
    """Return how many customers a day may be written to, from Meta's JSON; a thousand million if as many as one likes.

    None if it does not say.
    """
    limit = value.get(_LIMIT) or value.get("current_limit")
    if isinstance(limit, int):
        return limit if limit >= 0 else _TIERS["TIER_UNLIMITED"]
    return _TIERS.get(plain(limit))


def _reason(value: dict[str, Any]) -> str:
    """Return the constants in which Meta states the restriction or the violation."""
    words: Iterable[Any] = (
        *(each.get("restriction_type") for each in objects(value.get("restriction_info"))),
        *(each.get("violation_type") for each in objects(value.get("violation_info"))),
        *(each.get("reason") for each in objects(value.get("disconnection_info"))),
    )
    return ", ".join(filter(None, map(plain, words)))


def template(each: News) -> str:
    """Return the name of the template that an event is about, with its language."""
    name = each.text("message_template_name") or each.text("message_template_id")
    language = each.text("message_template_language")
    return f"{name} ({language})" if language else name


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; a single object counts as a list of one."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]


def plain(value: Any) -> str:
    """Return a text of Meta's, shortened and cleaned so that it can be shown."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return "".join(filter(str.isprintable, text))[:100]
