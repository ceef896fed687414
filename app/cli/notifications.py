"""`notifications …`: webhooks as they were kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from app.cli.answers import Listed, listing, showing, time_option, when
from app.cli.api import api, is_remote, require_local
from app.cli.base import CommandGroup, services
from app.cli.tables import Row
from app.clock import utc_now

STATES = ("processed", "parked", "quarantined")


@click.group(cls=CommandGroup)
def notifications() -> None:
    """Webhooks as they were kept."""


def _row(notification: Any) -> Row:
    return {
        "received_at": when(notification["received_at"]),
        "state": notification["state"],
        "items": notification["items"],
        "reason": notification["reason"],
        "id": notification["id"],
    }


@notifications.command("list")
@click.option("--state", type=click.Choice(["pending", *STATES]))
@time_option("--since", "Not before this time.")
@time_option("--until", "Before this time.")
@listing(empty="No webhook is like that.")
def list_notifications(**query: Any) -> Listed:
    """Show webhooks, newest first.

    \b
    Example:
      notifications list --state parked
    """
    return Listed(api().list_notifications(**query), _row)


@notifications.command("show")
@click.argument("notification_id")
@showing
def show_notification(notification_id: str) -> Any:
    """Show what became of a webhook: what was set aside, and why.

    \b
    Example:
      notifications show 01a20c84-5fac-7698-8685-444598916e83
    """
    return api().get_notification(notification_id)


@notifications.command("raw")
@click.argument("notification_id")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="A file.  [default: stdout]")
def raw(notification_id: str, target: Path | None) -> None:
    """Write the bytes of a webhook, exactly as Meta posted them.

    \b
    Example:
      notifications raw 01a20c84-5fac-7698-8685-444598916e83 --to body.json
    """
    with api().download_notification(notification_id) as body:
        if target is not None:
            click.echo(f"{target}: {body.save(target):,} bytes.")
        else:
            click.echo(body.read(), nl=False)


@notifications.command("replay")
@click.option("--id", "notification_id", help="One webhook.")
@time_option("--since", "All that were received from this time on.")
@click.option("--state", type=click.Choice(STATES), help="All that are in this state; with --since, of those.")
@click.option("--deliver", is_flag=True, help="Also deliver once more what they told of, marked as a replay.")
def replay(notification_id: str | None, since: datetime | None, state: str | None, deliver: bool) -> None:
    """Have webhooks read again, by the worker. What was taken in stays as it is and has no second effect.

    \b
    Examples:
      notifications replay --id 01a20c84-5fac-7698-8685-444598916e83
      notifications replay --state parked
    """
    from app.services.delivering import replay_of_notifications
    from app.services.webhooks import replay_notification, replay_notifications

    if (notification_id is None) == (since is None and state is None):
        raise click.UsageError("Say which: --id alone, or --since, --state or both.")
    if is_remote() and notification_id is not None and not deliver:
        api().replay_notification(notification_id)
        click.echo("1 to be read again")
        return
    require_local("Replaying many webhooks, or delivering again,")
    if is_remote() and notification_id is not None and not deliver:
        api().replay_notification(notification_id)
        click.echo("1 to be read again")
        return
    require_local("Replaying many webhooks, or delivering again,")
    database = services().database
    if notification_id is not None:
        replay_notification(database, notification_id, utc_now())
        if deliver:
            replay_of_notifications(database, [notification_id], utc_now())
        count = 1
    else:
        count = replay_notifications(database, utc_now(), since=since, state=state, deliver=deliver)
    click.echo(f"{count} to be read again")
