"""Deliveries that go as one POST: the first of them, the head, carries the others.

Only the head is claimed and due. The others have no time of their own, and `carried_by` names it, so that what went
together once goes together again, with the same id, whoever tries it next.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, exists, literal_column, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.ids import new_id
from app.models import Delivery, Event, Message, Notification
from app.models.base import table
from app.store.deliveries import Claim, Outcome

_AS_IT_IS = {"synchronize_session": False}


class Fresh(NamedTuple):
    """A delivery that was never tried, and is nobody's. `key` says what it may go together with; None: with nothing."""

    id: int
    contact_id: str | None
    created_at: datetime
    key: tuple[str | None, ...] | None = None
    is_ready: bool = True
    is_status: bool = False

    @property
    def lane(self) -> str | None:
        """Within which order is kept; None: within none."""
        return lane_of(self.contact_id, self.is_status)


def lane_of(contact_id: str | None, is_status: bool) -> str | None:
    """What of a contact is kept in order: statuses, and apart from them all else."""
    return contact_id if contact_id is None or not is_status else f"{contact_id}/status"


def fresh(session: Session, ids: Collection[int]) -> list[Fresh]:
    """Those of these deliveries that are fresh."""
    query = _fresh().add_columns(Delivery.is_status).where(Delivery.id.in_(ids))
    return [Fresh(row[0], row[1], row[2], is_status=row[3]) for row in session.execute(query)]


def following(
    session: Session, endpoint_id: str, contacts: Collection[str], limit: int, *, is_replay: bool
) -> list[tuple[int, str, bool]]:
    """What is pending for contacts, the earliest first: each with its lane, and whether it is fresh."""
    query = select(Delivery.id, Delivery.contact_id, _is_fresh(), Delivery.is_status).where(
        Delivery.contact_id.in_(contacts), Delivery.endpoint_id == endpoint_id, Delivery.is_replay == is_replay,
        _is_pending(),
    )  # fmt: skip
    rows = session.execute(query.order_by(Delivery.id).limit(limit))
    return [(row[0], str(lane_of(row[1], row[3])), bool(row[2])) for row in rows]


def spoken(session: Session, ids: Collection[int]) -> list[Fresh]:
    """Those of these that are fresh and of what somebody wrote just now, with who wrote, to which number, and where."""
    return _by_key(session, _spoken().where(Delivery.id.in_(ids)))


def spoken_by(session: Session, endpoint_id: str, contacts: Collection[str], limit: int) -> list[Fresh]:
    """The same of everything that is pending for contacts, due or not."""
    mine = (Delivery.contact_id.in_(contacts), Delivery.endpoint_id == endpoint_id, ~Delivery.is_replay)
    return _by_key(session, _spoken().where(*mine, _is_pending()).limit(limit))


def noticed(session: Session, ids: Collection[int]) -> list[Fresh]:
    """Those of these that are fresh, with the notification and the number of each; ready once all of that was read."""
    return _by_key(session, _noticed().where(Delivery.id.in_(ids)))


def noticed_in(
    session: Session, endpoint_id: str, notifications: Collection[str], *, is_replay: bool
) -> list[Fresh]:
    """The same of everything that is pending of notifications, due or not."""
    mine = (Delivery.endpoint_id == endpoint_id, Delivery.is_replay == is_replay, _is_pending())
    return _by_key(session, _noticed().where(Event.notification_id.in_(notifications), *mine))


def claim(
    session: Session, parcels: Sequence[Sequence[int]], *, now: datetime, lease: timedelta, is_probe: bool
) -> list[Claim]:
    """Take parcels, each with its head first, until `now + lease`, as far as nobody else has any of them by now.

    What a parcel's claim could not get, and whatever comes after that in it, stays behind. Returns the heads' claims.
    """
    claim_id = new_id()
    heads = [parcel[0] for parcel in parcels]
    others = [id for parcel in parcels for id in parcel[1:]]
    is_due = and_(Delivery.id.in_(heads), Delivery.due_at <= now)
    is_free = and_(Delivery.id.in_(others), _is_fresh())
    wanted = select(Delivery.id).where(_is_pending(), or_(is_due, is_free)).order_by(Delivery.id)
    statement = (
        update(Delivery)
        .where(Delivery.id.in_(wanted.with_for_update(skip_locked=True)))
        .values(claim_id=claim_id, claimed_at=now, due_at=now + lease)
        .returning(
            Delivery.id, Delivery.endpoint_id, Delivery.event_id, Delivery.contact_id, Delivery.attempts,
            Delivery.is_replay,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    rows = {row.id: row for row in session.execute(statement)}
    left, claims = [], []
    for parcel in parcels:
        got = _unbroken(parcel, rows)
        left += [id for id in parcel[len(got) :] if id in rows]
        if got:
            row = rows[got[0]]
            claims.append(Claim(row.id, claim_id, *row[1:], is_probe=is_probe))
            _set(session, got[1:], claim_id=None, due_at=None, carried_by=row.id)
    _set(session, left, claim_id=None, due_at=now)
    return sorted(claims, key=lambda each: each.id)


def put_off(session: Session, until: Mapping[int, datetime]) -> None:
    """Do not look at these again before their time."""
    free = select(Delivery.id).where(Delivery.id.in_(until), _is_pending(), _is_fresh())
    ids = list(session.scalars(free.order_by(Delivery.id).with_for_update(skip_locked=True)))
    target = table(Delivery)
    if ids:
        statement = update(target).where(target.c.id == bindparam("of_id"))
        statement = statement.values(due_at=bindparam("until", type_=target.c.due_at.type))
        session.execute(statement, [{"of_id": id, "until": until[id]} for id in ids])


def carried(session: Session, heads: Collection[int]) -> list[Any]:
    """What these heads carry, in order: `id`, `carried_by`, `event_id` and `contact_id`."""
    query = select(Delivery.id, Delivery.carried_by, Delivery.event_id, Delivery.contact_id)
    query = query.where(Delivery.carried_by.in_(heads), _is_pending())
    return list(session.execute(query.order_by(Delivery.id)))


def record(session: Session, head: Claim, outcomes: Sequence[Outcome], now: datetime, *, together: bool) -> None:
    """Write what became of a parcel, unless its claim is lost.

    What is to be tried again stays `together`, the first of it being the head, or goes apart from now on.
    """
    fence = update(Delivery).where(Delivery.id == head.id, Delivery.claim_id == head.claim_id)
    fence = fence.values(claim_id=None).returning(Delivery.id).execution_options(synchronize_session=False)
    if session.execute(fence).first() is None:
        return
    again = [outcome.claim.id for outcome in outcomes if outcome.state == "pending"]
    first = again[0] if again else head.id
    alike: dict[tuple[Any, ...], list[int]] = {}
    for outcome in outcomes:
        is_carried = outcome.claim.id != first and (together or outcome.state != "pending")
        times = (None, first) if is_carried else (outcome.due_at, None)
        values = (outcome.state, *times, outcome.reason, outcome.attempts, outcome.blocks, outcome.refused)
        alike.setdefault(values, []).append(outcome.claim.id)
    for (state, due_at, carried_by, reason, attempts, blocks, refused), ids in alike.items():
        finished_at = None if state == "pending" else now
        statement = update(Delivery).where(Delivery.id.in_(ids), _is_pending()).values(
            state=state, due_at=due_at, carried_by=carried_by, reason=reason, attempts=attempts,
            finished_at=finished_at, blocks=blocks, refused=refused,
        )  # fmt: skip
        session.execute(statement, execution_options=_AS_IT_IS)


def _unbroken(parcel: Sequence[int], rows: Mapping[int, Any]) -> list[int]:
    missing = next((place for place, id in enumerate(parcel) if id not in rows), len(parcel))
    return list(parcel[:missing])


def _set(session: Session, ids: Collection[int], **values: Any) -> None:
    if ids:
        session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(**values), execution_options=_AS_IT_IS)


def _is_pending() -> ColumnElement[bool]:
    return Delivery.state == literal_column("'pending'")  # see store.deliveries


def _is_fresh() -> ColumnElement[bool]:
    other = aliased(Delivery)
    carries = exists().where(other.carried_by == Delivery.id, other.state == literal_column("'pending'"))
    return and_(Delivery.attempts == 0, Delivery.claim_id.is_(None), Delivery.carried_by.is_(None), ~carries)


def _fresh() -> Any:
    query = select(Delivery.id, Delivery.contact_id, Delivery.created_at)
    return query.where(_is_fresh()).order_by(Delivery.id)


def _spoken() -> Any:
    query = _fresh().add_columns(literal_column("1"), Event.contact_id, Event.phone_number_id, Message.group_id)
    query = query.join(Event, Event.id == Delivery.event_id).join(Message, Message.id == Event.message_id)
    return query.where(Event.type == "message.received", Event.source == "live", Delivery.contact_id.is_not(None))


def _noticed() -> Any:
    is_read = Notification.state.is_distinct_from("pending")
    query = _fresh().add_columns(is_read, Event.notification_id, Event.phone_number_id)
    query = query.join(Event, Event.id == Delivery.event_id)
    return query.outerjoin(Notification, Notification.id == Event.notification_id)


def _by_key(session: Session, query: Any) -> list[Fresh]:
    return [Fresh(row[0], row[1], row[2], tuple(row[4:]), bool(row[3])) for row in session.execute(query)]
