"""Errors that do not belong to a message."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.notifications import Fact
from app.schemas.change import Change, each
from app.schemas.lenient import as_list


def parse_errors(change: Change) -> Iterator[Fact]:
    """Read `value.errors[]`: errors of system, app or account (Meta: webhooks/reference/messages/errors)."""
    return each(as_list(change.value.get("errors")), lambda error: change.other("account.errors", error))
