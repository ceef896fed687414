"""Checks of the processes: a worker that lives and keeps up, clocks, settings that all share, open alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from app.domain.alerts import KINDS, describe
from app.errors import GraphError
from app.services.alerts import list_alerts
from app.services.doctor.context import DoctorContext
from app.services.doctor.storage_checks import health
from app.services.doctor.types import Found, fail, ok, skipped, warn
from app.services.operations import read_overview, unequal
from app.store import workers

BEHIND_SECONDS, FAR_BEHIND_SECONDS = 60.0, 600.0
"""From when on due work that was not begun is a warning, and a failure."""

CLOCK_WARN, CLOCK_FAIL = timedelta(seconds=5), timedelta(seconds=60)
"""Meta's time is to the second, and the answer takes its way."""


def worker(context: DoctorContext) -> Iterator[Found]:
    """Find that no worker runs: webhooks are stored, and nothing is processed or sent by the queue."""
    state = health(context)
    if not (state.database and state.schema):
        yield skipped("The database says who runs, and it cannot be used.")
    elif state.worker == "running":
        yield ok("A worker runs.")
    else:
        seen = f"the last sign of one is of {state.worker_seen_at:%Y-%m-%d %H:%M} UTC" if state.worker_seen_at else ""
        how = "Start ./run.sh" if context.config.worker == "embedded" else "Start one: flask worker"
        yield fail(
            f"No worker runs{f'; {seen}' if seen else ''}.", f"{how}; what came meanwhile is worked off then."
        )


def queues(context: DoctorContext) -> Iterator[Found]:
    """Find work that is due and was not begun."""
    state = health(context)
    if not (state.database and state.schema):
        yield skipped("The database holds the queues, and it cannot be used.")
        return
    seen = read_overview(context.database, context.now())
    late = False
    for name, backlog in (("webhooks", seen.webhooks), ("sends", seen.sends), ("deliveries", seen.deliveries)):
        if backlog.lag_seconds < BEHIND_SECONDS:
            continue
        late = True
        text = f"{backlog.waiting} are due, the first for {backlog.lag_seconds / 60:.0f} minutes."
        remedy = "See whether a worker runs and which alerts are open; raise WORKER_THREADS if it is only slow."
        yield (fail if backlog.lag_seconds >= FAR_BEHIND_SECONDS else warn)(text, remedy, name)
    if not late:
        yield ok("Nothing that is due has waited for a minute.")
    if seen.held or seen.dead:
        yield warn(
            f"{seen.held} sends wait for a person's decision; {seen.dead} deliveries are no longer tried.",
            "Decide in the inbox, or with `flask sends` and `flask deliveries`.",
        )


def shared_settings(context: DoctorContext) -> Iterator[Found]:
    """Find settings that differ between the processes of this gateway that live now."""
    if not (health(context).database and health(context).schema):
        yield skipped("The database says who runs, and it cannot be used.")
        return
    with context.database.read() as session:
        now = context.now()
        found = unequal([*workers.living(session, now), *workers.living_web(session, now)])
    for name, places in sorted(found.items()):
        yield fail(
            f"It differs between {', '.join(places)}.", "Give all processes the same value, and restart them.", name
        )
    if not found:
        yield ok("All processes that run have the same settings.")


def clock(context: DoctorContext) -> Iterator[Found]:
    """Compare this machine's clock with Meta's."""
    theirs = context.date()
    ours = datetime.now(UTC)
    if isinstance(theirs, GraphError) or theirs is None:
        yield skipped("Meta's time is not known.")
        return
    ahead = ours - theirs.astimezone(UTC)
    seconds, side = abs(ahead.total_seconds()), "ahead of" if ahead > timedelta() else "behind"
    text = f"This machine's clock is {seconds:.0f} s {side} Meta's."
    remedy = "Set the clock by NTP: timedatectl set-ntp true (or chrony, or the host's own service)."
    if abs(ahead) > CLOCK_FAIL:
        yield fail(f"{text} Links expire wrongly, and receivers refuse signatures.", remedy)
    elif abs(ahead) > CLOCK_WARN:
        yield warn(text, remedy)
    else:
        yield ok("This machine's clock agrees with Meta's.")


def alerts(context: DoctorContext) -> Iterator[Found]:
    """Tell the alerts that are open."""
    if not (health(context).database and health(context).schema):
        yield skipped("The database holds the alerts, and it cannot be used.")
        return
    found = list_alerts(context.database, limit=20, before=None, is_open=True, numbers=None)
    for alert in found:
        remedy = KINDS[alert.kind].remedy if alert.kind in KINDS else "See docs/operating.md."
        yield warn(describe(alert.kind, alert.subject), remedy, alert.kind)
    if not found:
        yield ok("No alert is open.")
