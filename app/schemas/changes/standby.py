"""The field `standby`: messages and reports of a number while Meta's own agent answers there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.domain.notifications import Fact, Json, Source, Unreadable
from app.schemas.change import Change
from app.schemas.changes.echoes import parse_echoes
from app.schemas.changes.messages import parse_messages
from app.schemas.lenient import as_list


def parse_standby(change: Change) -> Iterator[Fact]:
    """Read messages of agent and customer, and reports. This app only observes (Meta: webhooks/reference/standby)."""
    outer = {name: value for name, value in change.value.items() if name != "standby"}
    for part in as_list(change.value.get("standby", {})):
        if isinstance(part, dict):
            yield from _parse_part(change, {**outer, **part})
        else:
            yield Unreadable("The standby part is not an object.", part)


def _parse_part(change: Change, value: Json) -> Iterator[Fact]:
    echoes = {name: value[name] for name in ("contacts", "message_echoes") if name in value}
    others = {name: part for name, part in value.items() if name != "message_echoes"}
    yield from parse_echoes(replace(change, value=echoes), Source.STANDBY)
    yield from parse_messages(replace(change, value=others), Source.STANDBY)
