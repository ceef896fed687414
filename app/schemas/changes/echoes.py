"""The fields of echoes: messages that the business sent from its phone or through another sender."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.domain.notifications import Fact, Source
from app.schemas.change import Change, each
from app.schemas.changes.errors import parse_errors
from app.schemas.inbound.envelope import Surroundings
from app.schemas.inbound.messages import parse_message
from app.schemas.lenient import as_list
from app.schemas.people import Contacts


def parse_echoes(change: Change, source: Source = Source.ECHO) -> Iterator[Fact]:
    """Read outbound messages, edits and revocations (Meta: webhooks/reference/smb_message_echoes, …/standby)."""
    echoes = as_list(change.value.get("message_echoes"))
    contacts = Contacts(change.value.get("contacts"), one_person=len(echoes) == 1)
    around = Surroundings(contacts, change.now, source, direction="outbound", status="sent")
    yield from each(echoes, lambda echo: parse_message(_unwrapped(echo), around))
    yield from parse_errors(change)


def _unwrapped(echo: Any) -> Any:
    """Return an echo with the keys of a usual message. Some echoes contain the body of a send call, whose keys for
    persons differ."""
    if not isinstance(echo, dict):
        return echo
    body = echo.get("message")
    if isinstance(body, dict):
        echo = {**{key: value for key, value in echo.items() if key != "message"}, **body}
    if echo.get("recipient_type") == "group":
        return {**echo, "group_id": echo.get("to"), "to": None}
    if "recipient" in echo:
        return {"to_user_id": echo["recipient"], **echo}
    return echo
