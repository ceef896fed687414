"""The input and output of a health check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.config.settings import Config
from app.db.database import Database
from app.domain.account_news import News
from app.domain.alerts import Finding
from app.domain.numbers import Directory
from app.services.health_checks.tokens import TokenChecks


@dataclass(slots=True)
class Shared:
    """What the checks of one round read once for all of them: Meta's account webhooks, oldest first."""

    news: list[News] | None = None


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What a check may use: settings, database, numbers, token checks, the time, and what others of its round read."""

    config: Config
    database: Database
    directory: Directory
    tokens: TokenChecks
    now: datetime
    shared: Shared = field(default_factory=Shared)


Findings = list[Finding] | None
"""Everything that is wrong now, or None when that cannot be determined at the moment."""


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of alert, the function that finds it, and its interval in seconds."""

    kind: str
    find: Callable[[CheckContext], Findings]
    every_seconds: int


def of_number(phone_number_id: str, **details: Any) -> Finding:
    """Return a finding about a number."""
    return Finding(phone_number_id, phone_number_id, details)


def at(moment: datetime) -> str:
    """Return a time as text for people, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
