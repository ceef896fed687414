"""`batches …`: sends that were queued together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from app.cli.answers import Listed, answering, listing, showing, when
from app.cli.api import api
from app.cli.base import Command, CommandGroup
from app.cli.tables import Row


@click.group(cls=CommandGroup)
def batches() -> None:
    """Sends that were queued together."""


def _counts(batch: Any) -> str:
    return ", ".join(f"{count} {status}" for status, count in batch["counts"].items() if count) or "none"


def _row(batch: Any) -> Row:
    return {
        "at": when(batch["created_at"]),
        "name": batch["name"],
        "state": batch["state"],
        "messages": _counts(batch),
        "id": batch["id"],
    }


@batches.command("list")
@listing(empty="Nothing was queued as a batch; `messages bulk FILE` does it.")
def list_batches(**query: Any) -> Listed:
    """Show batches, newest first.

    \b
    Example:
      batches list --limit 10
    """
    return Listed(api().list_batches(**query), _row)


@batches.command("show")
@click.argument("batch_id")
@showing
def show_batch(batch_id: str) -> Any:
    """Show a batch, and how many of its messages are in which status.

    \b
    Example:
      batches show 01a20c83-9c99-716b-8b07-2a3001233244
    """
    return api().get_batch(batch_id)


def _act(name: str, method: str, help: str) -> None:
    @click.argument("batch_id")
    @answering(lambda batch: f"{batch['state']}: {_counts(batch)}.")
    def act(batch_id: str) -> Any:
        asked: Callable[[str], Any] = getattr(api(), method)
        return asked(batch_id)

    example = f"\n\n\b\nExample:\n  batches {name} 01a20c83-9c99-716b-8b07-2a3001233244"
    batches.add_command(click.command(name, cls=Command, help=help + example)(act))


_act("pause", "pause_batch", "Send nothing more of a batch for now.")
_act("resume", "resume_batch", "Go on with a paused batch.")
_act("cancel", "cancel_batch", "Give up what of a batch still waits.")
_act("retry-failed", "retry_batch", "Queue again what of a batch failed.")
