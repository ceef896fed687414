"""Show the business numbers, without their secrets, and the state of their queues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.outbound import Priority
from app.domain.rate_limits import BREAKER_THRESHOLD
from app.errors import NotFound
from app.services.registries import NumberDirectory
from app.store import limiters, numbers, queue

SETTINGS, ADDED = "settings", "added"


@dataclass(frozen=True, slots=True)
class PaceView:
    """The state of a number's queue: sends by priority, the used share of the rate, and why it is paused.

    `in_doubt` tells whether the breaker is open.
    """

    queued: dict[str, int]
    share: float = 1.0
    paused_for: str | None = None
    paused_until: datetime | None = None
    in_doubt: bool = False
    bulk_stopped_by: int | None = None


@dataclass(frozen=True, slots=True)
class NumberView:
    """A number without its secrets. `source` is `settings`, or `added` for a number added at run time."""

    phone_number_id: str
    display_phone_number: str | None
    waba_id: str | None
    app: str
    source: str
    has_own_token: bool
    has_own_secret: bool
    rate: float
    pace: PaceView


def list_numbers(database: Database, directory: NumberDirectory, allowed: tuple[str, ...] | None) -> list[NumberView]:
    """Return all numbers in `allowed` (None: all), ordered by id. Raises `Unavailable`."""
    known = directory.read().numbers
    with database.read() as session:
        added = {row.phone_number_id: row for row in numbers.all_numbers(session)}
        paces_ = _paces(session, [key for key in known if allowed is None or key in allowed])
    views = []
    for number_id, number in sorted(known.items()):
        row = added.get(number_id)
        if allowed is not None and number_id not in allowed:
            continue
        views.append(
            NumberView(
                number_id,
                number.display_phone_number,
                number.waba_id,
                number.app,
                ADDED if row else SETTINGS,
                bool(row and row.access_token),
                bool(row and row.app_secrets),
                number.rate,
                paces_[number_id],
            )
        )
    return views


def find_number(
    database: Database, directory: NumberDirectory, phone_number_id: str, allowed: tuple[str, ...] | None = None
) -> NumberView:
    """Return one number. Raises `NotFound` and `Unavailable`."""
    for view in list_numbers(database, directory, allowed):
        if view.phone_number_id == phone_number_id:
            return view
    raise NotFound("No number of ours has this phone_number_id.")


def _paces(session: Session, number_ids: list[str]) -> dict[str, PaceView]:
    found = limiters.find(session, number_ids)
    views = {}
    for number_id in number_ids:
        depth = queue.depth(session, number_id)
        queued = {str(priority): depth.get(priority.rank, 0) for priority in Priority}
        row = found.get(number_id)
        if row is None:
            views[number_id] = PaceView(queued)
            continue
        is_open = row.ambiguous_failures >= BREAKER_THRESHOLD
        views[number_id] = PaceView(
            queued, row.share, row.paused_for, row.paused_until, is_open, row.bulk_stopped_by
        )  # fmt: skip
    return views
