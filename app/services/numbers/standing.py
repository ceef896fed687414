"""A number's standing with Meta, from what Meta's webhooks said of it last, and how much of its limit is used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.db.database import Database
from app.domain.account_news import News, number_of, plain
from app.errors import NotFound
from app.services.registries import NumberDirectory
from app.store import alert_facts, backlogs

REMEMBERED = timedelta(days=90)
DAY = timedelta(days=1)

_QUALITY = "account.phone_number_quality_update"
_CAPABILITY = "account.business_capability_update"
_LIMIT = "max_daily_conversations_per_business"


@dataclass(frozen=True, slots=True)
class Standing:
    """What Meta said last, with the time: `event` of quality (`FLAGGED`, `UPGRADE`, …) and `limit`, both as Meta writes
    them; None if no webhook of the last 90 days said so.

    `template_contacts` is how many customers were sent a template within 24 hours, among the newest
    10,000 templates. Meta's own count, which decides, is of customers who were written to outside their window.
    """

    phone_number_id: str
    event: str | None
    limit: str | None
    said_at: datetime | None
    template_contacts: int


def read_standing(
    database: Database,
    directory: NumberDirectory,
    phone_number_id: str,
    now: datetime,
    allowed: tuple[str, ...] | None = None,
) -> Standing:
    """Return the standing of one of our numbers. Raises `NotFound`, also for a number outside `allowed`."""
    numbers = directory.read()
    number = numbers.find(phone_number_id)
    if number is None or (allowed is not None and phone_number_id not in allowed):
        raise NotFound("No number of ours has this phone_number_id.")
    with database.read() as session:
        told = alert_facts.news(session, [_QUALITY, _CAPABILITY], now - REMEMBERED)
        reached = backlogs.template_contacts(session, phone_number_id, now - DAY)
    event = limit = said_at = None
    for kind, at, data, waba_id in told:
        value = _value(data)
        is_of_account = kind == _CAPABILITY and waba_id == number.waba_id
        if not is_of_account and number_of(News(kind, at, value, waba_id or ""), numbers) != phone_number_id:
            continue
        said = plain(value.get(_LIMIT) or value.get("current_limit"))
        limit, said_at = said or limit, at
        event = plain(value.get("event")) or event if kind == _QUALITY else event
    return Standing(phone_number_id, event, limit, said_at, reached)


def _value(data: str) -> dict[str, Any]:
    value = json.loads(data).get("value")
    return value if isinstance(value, dict) else {}
