"""The numbers the gateway speaks for, without their secrets."""

from __future__ import annotations

from dataclasses import dataclass

from app.database import Database
from app.errors import NotFound
from app.services.number_directory import NumberDirectory
from app.store import numbers

SETTINGS, ADDED = "settings", "added"


@dataclass(frozen=True, slots=True)
class NumberView:
    """A number as it may be shown. `source` says where it is configured: in the settings, or added since."""

    phone_number_id: str
    display_phone_number: str | None
    waba_id: str | None
    app: str
    source: str
    has_own_token: bool
    has_own_secret: bool


def list_numbers(database: Database, directory: NumberDirectory, allowed: tuple[str, ...] | None) -> list[NumberView]:
    """Every number, or those that a bound key may see, by id. Raises `Unavailable`."""
    known = directory.read().numbers
    with database.read() as session:
        added = {row.phone_number_id: row for row in numbers.all_numbers(session)}
    views = []
    for number_id, number in sorted(known.items()):
        row = added.get(number_id)
        if allowed is not None and number_id not in allowed:
            continue
        views.append(
            NumberView(
                number_id,
                number.display_phone_number,
                number.waba_id,
                number.app,
                ADDED if row else SETTINGS,
                bool(row and row.access_token),
                bool(row and row.app_secrets),
            )
        )
    return views


def find_number(
    database: Database, directory: NumberDirectory, phone_number_id: str, allowed: tuple[str, ...] | None = None
) -> NumberView:
    """One number. Raises `NotFound`."""
    for view in list_numbers(database, directory, allowed):
        if view.phone_number_id == phone_number_id:
            return view
    raise NotFound("No number of ours has this phone_number_id.")
