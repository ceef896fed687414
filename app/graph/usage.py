"""Read the headers in which Graph reports how much of its quota is used (Meta: graph-api/overview/rate-limiting)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.api_usage import ApiUsage

APP, ACCOUNTS = "X-App-Usage", "X-Business-Use-Case-Usage"
LONGEST = 64
MOST = 32
"""The most accounts and kinds that are read from one answer; Meta's answers name only a few."""


def read_usage(headers: Mapping[str, str]) -> list[ApiUsage]:
    """Return the quota use that an answer's headers report; most have none. Unreadable values are left out."""
    found: list[ApiUsage] = []
    if APP in headers:
        found += [_usage(each) for each in [_json(headers[APP])] if isinstance(each, dict)]
    if ACCOUNTS in headers:
        found += _of_accounts(_json(headers[ACCOUNTS]))
    return found[:MOST]


def minutes_to_wait(headers: Mapping[str, str]) -> int:
    """Return the longest waiting time that the headers ask for, in minutes."""
    return max((usage.minutes_to_wait for usage in read_usage(headers)), default=0)


def _of_accounts(accounts: Any) -> Iterator[ApiUsage]:
    for account, usages in accounts.items() if isinstance(accounts, dict) else ():
        for usage in usages if isinstance(usages, list) else ():
            if isinstance(usage, dict):
                yield _usage(usage, _word(account), _word(usage.get("type")))


def _usage(value: dict[str, Any], account: str = "", kind: str = "") -> ApiUsage:
    calls, cpu, time, minutes = (
        _whole(value.get(name))
        for name in ("call_count", "total_cputime", "total_time", "estimated_time_to_regain_access")
    )
    return ApiUsage(calls, cpu, time, account, kind, minutes)


def _word(value: Any) -> str:
    return value[:LONGEST] if isinstance(value, str) and value.isprintable() else ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _whole(value: Any) -> int:
    """Return a whole number that fits into any database. Meta may write it as a text."""
    try:
        return max(0, min(int(value), 2**31 - 1))
    except (TypeError, ValueError, OverflowError):
        return 0
