"""Rows of people as the rest of the gateway uses them."""

from __future__ import annotations

import secrets
from typing import cast

from app.domain.people import Person, Role
from app.models import StoredPerson


def to_person(row: StoredPerson) -> Person:
    """Return a row as a person."""
    numbers = None if row.numbers is None else frozenset(row.numbers)
    return Person(row.id, row.name, cast(Role, row.role), numbers, row.language, row.theme)


def new_token() -> str:
    """Return a random text of 256 bits for a link or a cookie: letters, digits, dashes and underscores."""
    return secrets.token_urlsafe(32)
