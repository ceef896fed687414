"""Who may see what, and the names that pages show: of people and of business numbers."""

from __future__ import annotations

from collections.abc import Mapping

from app.web.context import gateway
from app.web.inbox.access import person
from app.web.inbox.listing import Names


def numbers() -> tuple[str, ...] | None:
    """Return the business numbers that the person may see; None means all."""
    found = person().numbers
    return None if found is None else tuple(sorted(found))


def actor() -> str:
    """Return the person as sends and the audit log name actors."""
    return f"person:{person().id}"


def people() -> Mapping[str, str]:
    """Return the names of the team by id."""
    return {each.person.id: each.person.name for each in gateway().people.all()}


def names() -> Names:
    """Return what rows need. Numbers are named only where the person sees several."""
    mine = numbers()
    known = gateway().directory.current.numbers
    shown = {key: number for key, number in known.items() if mine is None or key in mine}
    called = {key: _called(number.display_phone_number, key) for key, number in shown.items()}
    return Names(people(), called if len(called) > 1 else {})


def _called(display: str | None, phone_number_id: str) -> str:
    return f"+{display.lstrip('+')}" if display else phone_number_id
