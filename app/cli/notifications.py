"""`notifications …`: webhooks as they were kept."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from app.cli.base import CommandGroup, services
from app.clock import utc_now

STATES = ("processed", "parked", "quarantined")


@click.group(cls=CommandGroup)
def notifications() -> None:
    """Webhooks as they were kept."""


@notifications.command("replay")
@click.option("--id", "notification_id", help="One webhook.")
@click.option("--since", help="All that were received from this time on (ISO 8601; UTC if it does not say).")
@click.option("--state", type=click.Choice(STATES), help="All that are in this state; with --since, of those.")
@click.option("--deliver", is_flag=True, help="Also deliver once more what they told of, marked as a replay.")
def replay(notification_id: str | None, since: str | None, state: str | None, deliver: bool) -> None:
    """Have webhooks read again, by the worker. What was taken in stays as it is and has no second effect."""
    from app.services.delivering import replay_of_notifications
    from app.services.webhooks import replay_notification, replay_notifications

    if (notification_id is None) == (since is None and state is None):
        raise click.UsageError("Say which: --id alone, or --since, --state or both.")
    database = services().database
    if notification_id is not None:
        replay_notification(database, notification_id, utc_now())
        if deliver:
            replay_of_notifications(database, [notification_id], utc_now())
        count = 1
    else:
        count = replay_notifications(database, utc_now(), since=_time(since), state=state, deliver=deliver)
    click.echo(f"{count} to be read again")


def _time(written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        raise click.UsageError("--since wants a time as 2026-01-31T12:00:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
