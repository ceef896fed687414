"""One run of a scenario against one deployment: which one, what it looked like before, and what became of the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
import requests

from app.cli.base import services
from simulator.scenarios.bodies import Webhook
from simulator.scenarios.conversation import converse
from simulator.scenarios.open_loop import Posted, Progress, post_at_rate
from simulator.scenarios.readback import Readback
from simulator.scenarios.report import Report
from simulator.scenarios.target import WEBHOOK_PATH, NotATarget, Target, check_address
from simulator.settings import BusinessNumber

if TYPE_CHECKING:
    from app.services.operations.audit import Balance

_PATIENCE_SECONDS = 30.0


class Trial:
    """One run against one target: looks at it before, sends, and judges what became of it."""

    def __init__(self, target: Target, *, is_ours: bool) -> None:
        self.target = target
        self._is_ours = is_ours
        with _reading(target.base_url):
            self._readback = Readback(target.base_url, target.api_key) if target.api_key else None
        self._kept_before = _kept() if is_ours else 0

    def post(self, webhooks: Iterator[Webhook], *, count: int, rate: float, connections: int) -> None:
        """Post so many webhooks at a fixed rate, print what became of them, and exit with 1 if that is not well."""
        with progress_bar(count, "answered") as progress:
            posted = post_at_rate(
                self.target.webhook_url, islice(webhooks, count), rate=rate, connections=connections, progress=progress
            )
        report = Report()
        report.add_posted(posted)
        self._add_outcome(report, posted, posts=posted.answers["200"])
        report.add_latency(posted.latencies)
        _show(report)

    def judge_outage(self, posted: Posted) -> None:
        """Print what became of messages that were tried until they were answered."""
        report = Report()
        report.add_written(posted)
        self._add_outcome(report, posted, posts=1, joined=True)  # one at least: what waits is brought together
        longest = max(posted.latencies, default=0.0) / 1000
        never = " (it was never away)" if longest < 1 else ""
        report.add("outage", f"the longest wait for a 200 was {longest:.1f} s{never}")
        _show(report)

    def _add_outcome(self, report: Report, posted: Posted, *, posts: int, joined: bool = False) -> None:
        seen = None
        if self._readback:
            with _reading(self.target.base_url):
                seen = self._readback.count(posted.sent_keys, _PATIENCE_SECONDS)
            self._readback.close()
        if self._is_ours:
            _add_books(report, acknowledged=posts, kept_before=self._kept_before, joined=joined)
        if seen is None:
            report.add_unasked("normalised", "not asked; --api-key lets it be read back")
        else:
            report.add_normalised(posted.acknowledged, seen)


def judge_conversation(url: str | None, is_own: bool, *, wa_id: str, times: int, **how: Any) -> None:
    """Write through a simulator, this deployment's own when no other is named, and print what was answered."""
    address = _checked(url or f"http://127.0.0.1:{services().config.port + 1}", is_own)
    kept_before = _kept() if not url else 0
    with progress_bar(times, "answers") as progress, _reading(address):
        waits = converse(address, wa_id, times=times, progress=progress, **how)
    report = Report()
    report.add_conversation(waits)
    if not url:
        _add_books(report, acknowledged=times, kept_before=kept_before)
    _show(report)


def named_target(
    url: str | None, is_own: bool, app_secret: str, api_key: str, numbers: tuple[str, ...], several: int | None = 1
) -> Target:
    """The deployment that the options name; this one when they name none."""
    config = services().config
    if url and not app_secret:
        raise click.UsageError("--target needs its --app-secret.")
    if not url and not config.simulator and not is_own:
        raise click.UsageError(
            "This deployment talks to Meta itself, and its app would answer customers who do not exist."
            " Say --i-own-this-target if that is what you want."
        )
    first = int(config.whatsapp_phone_number_id)
    if several is None and not url:
        numbers = numbers or tuple(services().directory.read().numbers)
    ids = numbers or tuple(str(first + count) for count in range(several or 1))
    about = tuple(BusinessNumber(each, config.whatsapp_business_account_id or BusinessNumber.waba_id) for each in ids)
    prefix = os.environ.get("SCRIPT_NAME", "").rstrip("/")
    address = _checked(url or f"http://127.0.0.1:{config.port}{prefix}{WEBHOOK_PATH}", is_own)
    if url:
        return Target(address, app_secret, api_key, about)
    return Target(address, config.whatsapp_app_secrets[0], config.api_key, about)


def _checked(url: str, is_own: bool) -> str:
    try:
        return check_address(url, is_own=is_own)
    except NotATarget as refusal:
        raise click.UsageError(str(refusal)) from refusal


def _balance() -> Balance:
    from app.services.operations.audit import audit_balance  # not above: the help of `simulate` needs no database

    return audit_balance(services().database)


def _kept() -> int:
    return sum(_balance().notifications.values())


def _add_books(report: Report, *, acknowledged: int, kept_before: int, joined: bool = False) -> None:
    balance = _balance()
    report.add_kept(acknowledged, sum(balance.notifications.values()) - kept_before, joined=joined)
    report.add_books(balance.problems)


def _show(report: Report) -> None:
    for line in report.lines:
        click.echo(line)
    if report.broken:
        click.echo(f"Broken: {', '.join(report.broken)}.")
        raise SystemExit(1)
    unasked = f" Not looked at: {', '.join(report.unasked)}." if report.unasked else ""
    click.echo(f"Every promise{' that was looked at' if unasked else ''} was kept.{unasked}")


@contextmanager
def progress_bar(length: int, label: str) -> Iterator[Progress]:
    """A bar that counts to `length`."""
    with click.progressbar(length=length, label=label, update_min_steps=max(1, length // 200)) as bar:
        yield bar.update


@contextmanager
def _reading(url: str) -> Iterator[None]:
    try:
        yield
    except requests.RequestException as error:
        status = f" {error.response.status_code}" if error.response is not None else ""
        raise click.ClickException(f"{url} cannot be used: {type(error).__name__}{status}") from None
