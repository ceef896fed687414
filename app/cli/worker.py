"""`worker`: the process that does what may wait."""

from __future__ import annotations

import click

from app.cli.base import Command, services

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
    from app.jobs.starting import refuse_later_schema
    from app.jobs.worker import run_worker
    from app.logs import configure_logging, get_logger
    from app.process import console

    console.install()
    configure_logging(services().config, "worker")
    if overruled():
        extra = {"setting": ", ".join(overruled())}
        get_logger(__name__).warning("the environment sets other values than .env, and counts", extra=extra)
    refuse_later_schema(services().gateway.database)
    limit = Limit(seconds or ONCE_SECONDS, once) if once or seconds else None
    if services().config.broker_url and limit is None:  # one that ends soon finds its work in the database
        from app.jobs.celery_worker import run_celery_worker  # imports Celery

        if code := run_celery_worker(services().gateway, is_child=with_parent):
            raise SystemExit(code)
    else:
        run_worker(services().gateway, with_parent=with_parent, limit=limit)
