"""`simulate …`: try a deployment, and say whether it kept its promises."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import click

from app.cli.base import CommandGroup
from app.cli.trial import Trial, judge_conversation, named_target, progress_bar
from simulator.scenarios.bodies import Maker
from simulator.scenarios.outage import write_through
from simulator.settings import Pace


@click.group(cls=CommandGroup)
def simulate() -> None:
    """Try a deployment: bursts, batches, an outage, a conversation."""


def _target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which deployment is meant."""
    for option in (
        click.option("--number", "numbers", multiple=True, help="A phone_number_id they are about; repeatable."),
        click.option("--api-key", envvar="TARGET_API_KEY", default="", help="Reads back; or TARGET_API_KEY."),
        click.option("--app-secret", envvar="TARGET_APP_SECRET", default="", help="Signs; or TARGET_APP_SECRET."),
        click.option("--i-own-this-target", "is_own", is_flag=True, help="You may send load there, and it may answer."),
        click.option("--target", "url", help="A webhook URL; without one, this deployment on this machine."),
    ):
        command = option(command)
    return command


@simulate.command()
@click.option("--rate", default=320.0, type=click.FloatRange(0.1, 5000), show_default=True, help="Webhooks a second.")
@click.option("--seconds", default=60.0, type=click.FloatRange(0.1, 3600), show_default=True)
@click.option("--connections", default=32, type=click.IntRange(1, 500), show_default=True)
@_target_options
def burst(rate: float, seconds: float, connections: int, **where: Any) -> None:
    """Webhooks of one item each at a fixed rate: 80 messages and 240 statuses a second are a busy number's load."""
    trial = Trial(named_target(**where), is_ours=not where["url"])
    webhooks = Maker(trial.target.app_secret, trial.target.numbers).one_by_one()
    trial.post(webhooks, count=max(1, int(rate * seconds)), rate=rate, connections=connections)


@simulate.command()
@click.option("--posts", default=20, type=click.IntRange(1, 10_000), show_default=True)
@click.option("--items", default=1000, type=click.IntRange(1, 1000), show_default=True, help="In each POST.")
@click.option("--rate", default=2.0, type=click.FloatRange(0.1, 100), show_default=True, help="POSTs a second.")
@click.option("--several", type=click.IntRange(1, 20), help="So many made-up numbers; they raise an alert.")
@_target_options
def batch(posts: int, items: int, rate: float, several: int | None, **where: Any) -> None:
    """Webhooks of many items about several numbers, as Meta sends them after it could not for a while.

    The numbers are those of this deployment. Made-up ones are kept and flagged like any that nobody configured, and
    leave the alert `unknown_number` open for a day.
    """
    trial = Trial(named_target(several=several, **where), is_ours=not where["url"])
    webhooks = Maker(trial.target.app_secret, trial.target.numbers).batches(items)
    trial.post(webhooks, count=posts, rate=rate, connections=8)


@simulate.command()
@click.option("--minutes", default=10.0, type=click.FloatRange(0.01, 600), show_default=True, help="Of writing.")
@click.option("--rate", default=5.0, type=click.FloatRange(0.1, 100), show_default=True, help="Messages a second.")
@click.option("--patience", default=300.0, type=click.FloatRange(0, 36_000), show_default=True, help="Seconds after.")
@click.option("--longest-pause", default=60.0, type=click.FloatRange(0.5, 600), show_default=True)
@_target_options
def outage(minutes: float, rate: float, patience: float, longest_pause: float, **where: Any) -> None:
    """Customers write while you stop the gateway and start it again; in the end each message must be there once.

    Each webhook is tried again with growing pauses, as Meta does, until it is answered 200.
    """
    trial = Trial(named_target(**where), is_ours=not where["url"])
    logging.getLogger("simulator").setLevel(logging.ERROR)  # that tries fail is what this is about
    click.echo("Stop the gateway now, and start it again whenever you like.")
    pace = Pace(longest_retry_after=longest_pause)
    with progress_bar(max(1, int(rate * minutes * 60)), "answered 200") as progress:
        posted = write_through(
            trial.target, rate=rate, seconds=minutes * 60, patience=patience, pace=pace, progress=progress
        )
    trial.judge_outage(posted)


@simulate.command()
@click.option("--simulator", "url", help="A running simulator; without one, this deployment's own.")
@click.option("--i-own-this-target", "is_own", is_flag=True, help="You may write there.")
@click.option("--text", default="Hola", show_default=True)
@click.option("--from", "wa_id", default="5491112345678", show_default=True, help="The customer's number.")
@click.option("--times", default=5, type=click.IntRange(1, 1000), show_default=True)
@click.option("--wait", "wait_seconds", default=10.0, type=click.FloatRange(0.1, 600), show_default=True)
def conversation(
    url: str | None, is_own: bool, text: str, wa_id: str, times: int, wait_seconds: float
) -> None:
    """Write as a customer through a simulator and wait for the bot's answers."""

    judge_conversation(url, is_own, text=text, wa_id=wa_id, times=times, wait_seconds=wait_seconds)
