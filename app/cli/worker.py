"""`worker`: the process that does what may wait."""

from __future__ import annotations

import click

from app.cli.base import Command, services


@click.command(cls=Command)
@click.option("--with-parent", is_flag=True, help="Stop when the process that started this one is gone.")
def worker(with_parent: bool) -> None:
    """Process what the web server kept. WORKER=embedded starts one by itself."""
    from app.config.environment import overruled
    from app.jobs.worker import run_worker
    from app.logs import configure_logging, get_logger
    from app.process import console

    console.install()
    configure_logging(services().config, "worker")
    if overruled():
        extra = {"setting": ", ".join(overruled())}
        get_logger(__name__).warning("the environment sets other values than .env, and counts", extra=extra)
    run_worker(services().gateway, with_parent=with_parent)
