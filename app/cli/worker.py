"""`worker`: the process that does what may wait."""

from __future__ import annotations

import click

from app.cli.base import Command, services


@click.command(cls=Command)
@click.option("--with-parent", is_flag=True, help="Stop when the process that started this one is gone.")
def worker(with_parent: bool) -> None:
    """Process what the web server kept. WORKER=embedded starts one by itself."""
    from app.jobs.worker import run_worker
    from app.logs import configure_logging

    configure_logging(services().config, "worker")
    run_worker(services().gateway, with_parent=with_parent)
