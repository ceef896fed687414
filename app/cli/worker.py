"""`worker`: the process that does what may wait."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from app.cli.base import Command, services
from app.errors import Unavailable

if TYPE_CHECKING:
    from app.db.database import Database

ONCE_SECONDS = 55.0
"""How long `--once` works at most: less than the minute after which cron starts the next."""


@click.command(cls=Command)
@click.option("--with-parent", is_flag=True, help="Stop when the process that started this one is gone.")
@click.option("--once", is_flag=True, help="End as soon as nothing is left to do, or after --seconds.")
@click.option("--seconds", type=click.FloatRange(1, 86_400), help="End after so many seconds; with --once, 55.")
def worker(with_parent: bool, once: bool, seconds: float | None) -> None:
    """Process what the web server kept. WORKER=embedded starts one by itself.

    Where nothing may run in the background, let cron start `worker --once --seconds 55` every minute, or without --once
    where a process may run for a minute: then hardly anything waits for the next one.
    """
    from app.config.environment import overruled
    from app.jobs.limited import Limit
    from app.jobs.worker import run_worker
    from app.logs import configure_logging, get_logger
    from app.process import console

    console.install()
    configure_logging(services().config, "worker")
    if overruled():
        extra = {"setting": ", ".join(overruled())}
        get_logger(__name__).warning("the environment sets other values than .env, and counts", extra=extra)
    _refuse_later_schema(services().gateway.database)
    limit = Limit(seconds or ONCE_SECONDS, once) if once or seconds else None
    run_worker(services().gateway, with_parent=with_parent, limit=limit)


def _refuse_later_schema(database: Database) -> None:
    """Raise `Unavailable` for a schema that this release cannot use. A database that is away is waited for later."""
    from app import migrations

    reason = None
    with suppress(Unavailable):
        with database.read() as session:
            reason = migrations.refusal(session.connection())
    if reason is not None:
        database.dispose()
        raise Unavailable(reason=reason)
