"""Batches: several deliveries that are posted in one request. The first one is the leader, the rest are its members.

Only the leader has a `due_at` and is claimed. The column `carried_by` of a member holds the leader's id, so a batch
that is retried keeps its deliveries and its webhook id, whichever worker retries it.
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
from app.store.deliveries import DeliveryClaim, DeliveryUpdate, is_unfinished
from app.store.dialect import with_lists

_AS_IT_IS = {"synchronize_session": False}


class UntriedDelivery(NamedTuple):
    """A pending delivery without an attempt, a claim or a batch.

    Deliveries with equal `key` may be posted together; without a key a delivery is posted alone. `is_ready` is false
    while its notification has items that are not processed yet.
    """

    id: int
    contact_id: str | None
    created_at: datetime
    key: tuple[str | None, ...] | None = None
    is_ready: bool = True
    is_status: bool = False

    @property
    def order_key(self) -> str | None:
        """Deliveries with equal key are delivered in order; None for a delivery without a contact."""
        return order_key_of(self.contact_id, self.is_status)


def order_key_of(contact_id: str | None, is_status: bool) -> str | None:
    """Return the order key of a delivery: a contact's status events have one, and all its other events another."""
    return contact_id if contact_id is None or not is_status else f"{contact_id}/status"


def untried(session: Session, ids: Collection[int]) -> list[UntriedDelivery]:
    """Return those of these deliveries that were never attempted, without keys."""
    query = _untried().add_columns(Delivery.is_status).where(Delivery.id.in_(ids))
    return [UntriedDelivery(row[0], row[1], row[2], is_status=row[3]) for row in session.execute(query)]


def pending_of_contacts(
    session: Session, endpoint_id: str, contacts: Collection[str], limit: int, *, is_replay: bool
) -> list[tuple[int, str, bool]]:
    """Return id, order key and whether it is untried, for up to `limit` pending deliveries of contacts, by id."""
    query = select(Delivery.id, Delivery.contact_id, _is_untried(), Delivery.is_status).where(
        Delivery.contact_id.in_(contacts), Delivery.endpoint_id == endpoint_id, Delivery.is_replay == is_replay,
        is_unfinished(Delivery),
    )  # fmt: skip
    rows = session.execute(query.order_by(Delivery.id).limit(limit))
    return [(row[0], str(order_key_of(row[1], row[3])), bool(row[2])) for row in rows]


def burst_messages(session: Session, ids: Collection[int]) -> list[UntriedDelivery]:
    """Return those of these deliveries that a debounced burst may contain: untried, and about live inbound messages.

    The key is (contact, number, group).
    """
    return _with_keys(session, _burst_messages().where(Delivery.id.in_(ids)))


def pending_burst_messages(
    session: Session, endpoint_id: str, contacts: Collection[str], limit: int
) -> list[UntriedDelivery]:
    """Return the untried burst messages of contacts, due or not, with keys as in `burst_messages`."""
    mine = (Delivery.contact_id.in_(contacts), Delivery.endpoint_id == endpoint_id, ~Delivery.is_replay)
    return _with_keys(session, _burst_messages().where(*mine, is_unfinished(Delivery)).limit(limit))


def with_notification(session: Session, ids: Collection[int]) -> list[UntriedDelivery]:
    """Return those of these deliveries that are untried; the key is (notification, number)."""
    return _with_keys(session, _with_notification().where(Delivery.id.in_(ids)))


def pending_of_notifications(
    session: Session, endpoint_id: str, notifications: Collection[str], *, is_replay: bool
) -> list[UntriedDelivery]:
    """Return the untried deliveries of notifications, due or not, with keys as in `with_notification`."""
    mine = (Delivery.endpoint_id == endpoint_id, Delivery.is_replay == is_replay, is_unfinished(Delivery))
    return _with_keys(session, _with_notification().where(Event.notification_id.in_(notifications), *mine))


def claim(
    session: Session, batches: Sequence[Sequence[int]], *, now: datetime, lease: timedelta, is_probe: bool
) -> list[DeliveryClaim]:
    """Claim batches until `now + lease`; each is a list of ids with the leader first. Return the leaders' claims.

    If another worker has claimed a delivery since it was read, this one and those after it in its batch are left out.
    """
    claim_id = new_id()
    leaders = [batch[0] for batch in batches]
    followers = [id for batch in batches for id in batch[1:]]
    is_due = and_(Delivery.id.in_(leaders), Delivery.due_at <= now)
    is_free = and_(Delivery.id.in_(followers), _is_untried())
    wanted = select(Delivery.id).where(is_unfinished(Delivery), or_(is_due, is_free)).order_by(Delivery.id)
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
    for batch in batches:
        got = _claimed_prefix(batch, rows)
        left += [id for id in batch[len(got) :] if id in rows]
        if got:
            row = rows[got[0]]
            claims.append(DeliveryClaim(row.id, claim_id, *row[1:], is_probe=is_probe))
            _set(session, got[1:], claim_id=None, due_at=None, carried_by=row.id)
    _set(session, left, claim_id=None, due_at=now)
    return sorted(claims, key=lambda each: each.id)


def defer(session: Session, until: Mapping[int, datetime]) -> None:
    """Make these untried deliveries due at the given times. Skips rows that others have locked."""
    free = select(Delivery.id).where(Delivery.id.in_(until), is_unfinished(Delivery), _is_untried())
    ids = list(session.scalars(free.order_by(Delivery.id).with_for_update(skip_locked=True)))
    target = table(Delivery)
    if ids:
        statement = update(target).where(target.c.id == bindparam("of_id"))
        statement = statement.values(due_at=bindparam("until", type_=target.c.due_at.type))
        session.execute(statement, [{"of_id": id, "until": until[id]} for id in ids])


_TABLE = table(Delivery)
_MEMBERS = with_lists(
    lambda among: select(_TABLE.c.id, _TABLE.c.carried_by, _TABLE.c.event_id, _TABLE.c.contact_id)
    .where(among(_TABLE.c.carried_by, "leaders"), is_unfinished(_TABLE.c))
    .order_by(_TABLE.c.id)
)


def members(session: Session, leaders: Collection[int]) -> list[Any]:
    """Return the members of these leaders by id: rows of `id`, `carried_by`, `event_id` and `contact_id`."""
    return list(session.execute(_MEMBERS(session), {"leaders": list(leaders)}))


def record(
    session: Session, leader: DeliveryClaim, updates: Sequence[DeliveryUpdate], now: datetime, *, together: bool
) -> None:
    """Update all deliveries of a batch after an attempt, unless the leader's claim is lost.

    Deliveries to retry stay a batch if `together`, led by the first of them; else each is retried alone.
    """
    fence = update(Delivery).where(Delivery.id == leader.id, Delivery.claim_id == leader.claim_id)
    fence = fence.values(claim_id=None).returning(Delivery.id).execution_options(synchronize_session=False)
    if session.execute(fence).first() is None:
        return
    retried = [new.claim.id for new in updates if new.state == "pending"]
    new_leader = retried[0] if retried else leader.id
    ids_by_values: dict[tuple[Any, ...], list[int]] = {}
    for new in updates:
        is_member = new.claim.id != new_leader and (together or new.state != "pending")
        times = (None, new_leader) if is_member else (new.due_at, None)
        values = (new.state, *times, new.reason, new.attempts, new.blocks, new.refused)
        ids_by_values.setdefault(values, []).append(new.claim.id)
    for (state, due_at, carried_by, reason, attempts, blocks, refused), ids in ids_by_values.items():
        finished_at = None if state == "pending" else now
        statement = update(Delivery).where(Delivery.id.in_(ids), is_unfinished(Delivery)).values(
            state=state, due_at=due_at, carried_by=carried_by, reason=reason, attempts=attempts,
            finished_at=finished_at, blocks=blocks, refused=refused,
        )  # fmt: skip
        session.execute(statement, execution_options=_AS_IT_IS)


def _claimed_prefix(batch: Sequence[int], rows: Mapping[int, Any]) -> list[int]:
    missing = next((place for place, id in enumerate(batch) if id not in rows), len(batch))
    return list(batch[:missing])


def _set(session: Session, ids: Collection[int], **values: Any) -> None:
    if ids:
        session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(**values), execution_options=_AS_IT_IS)


def _is_untried() -> ColumnElement[bool]:
    member = aliased(Delivery)
    leads = exists().where(member.carried_by == Delivery.id, is_unfinished(member))
    return and_(Delivery.attempts == 0, Delivery.claim_id.is_(None), Delivery.carried_by.is_(None), ~leads)


def _untried() -> Any:
    query = select(Delivery.id, Delivery.contact_id, Delivery.created_at)
    return query.where(_is_untried()).order_by(Delivery.id)


def _burst_messages() -> Any:
    query = _untried().add_columns(literal_column("1"), Event.contact_id, Event.phone_number_id, Message.group_id)
    query = query.join(Event, Event.id == Delivery.event_id).join(Message, Message.id == Event.message_id)
    return query.where(Event.type == "message.received", Event.source == "live", Delivery.contact_id.is_not(None))


def _with_notification() -> Any:
    is_processed = Notification.state.is_distinct_from("pending")
    query = _untried().add_columns(is_processed, Event.notification_id, Event.phone_number_id)
    query = query.join(Event, Event.id == Delivery.event_id)
    return query.outerjoin(Notification, Notification.id == Event.notification_id)


def _with_keys(session: Session, query: Any) -> list[UntriedDelivery]:
    return [UntriedDelivery(row[0], row[1], row[2], tuple(row[4:]), bool(row[3])) for row in session.execute(query)]
