"""`health`: one question about the processes of this machine, for containers' health checks and monitors."""

from __future__ import annotations

import http.client
import json
import os
import platform

import click

from app.cli.base import Command, services

SILENT_SECONDS = 30.0
"""A worker writes its row every five seconds."""


@click.command(cls=Command)
@click.option("--worker", "of_worker", is_flag=True, help="Ask the database about this machine's worker.")
@click.option("--alive", is_flag=True, help="Ask only whether the web server answers, not whether it is ready.")
@click.option("--seconds", default=4.0, show_default=True, type=click.FloatRange(0.1, 60), help="Wait so long.")
def health(of_worker: bool, alive: bool, seconds: float) -> None:
    """Ask the web server of this machine whether it is ready. Exits with 1 if it is not, and says why."""
    problem = _problem_of_worker() if of_worker else _problem_of_web("/healthz" if alive else "/readyz", seconds)
    if problem:
        raise click.ClickException(problem)
    click.echo("ok")


def _problem_of_web(path: str, seconds: float) -> str:
    config = services().config
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)
    connection = http.client.HTTPConnection(host, config.port, timeout=seconds)
    try:
        connection.request("GET", os.environ.get("SCRIPT_NAME", "").rstrip("/") + path)
        answer = connection.getresponse()
        body = answer.read(65_536)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer on port {config.port} ({type(error).__name__})"
    finally:
        connection.close()
    return "" if answer.status == 200 else _reason(answer.status, body)


def _reason(status: int, body: bytes) -> str:
    try:
        told = json.loads(body)
        reason = "it is stopping" if told.get("draining") else told.get("reason") or told.get("schema")
    except (ValueError, AttributeError):
        reason = None
    return f"answered {status}" + (f": {reason}" if reason else "")


def _problem_of_worker() -> str:
    from app.clock import utc_now
    from app.store import workers

    host = platform.node()
    with services().database.read() as session:
        seen_at = workers.seen_on(session, host)
    if seen_at is None:
        return f"no worker on {host}"
    silent = (utc_now() - seen_at).total_seconds()
    return f"the worker on {host} was last seen {silent:.0f} s ago" if silent > SILENT_SECONDS else ""
