"""People who work in the inbox, and what their roles let them do."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

Role = Literal["agent", "admin"]
ROLES: tuple[Role, ...] = ("agent", "admin")
"""An agent reads and answers; an admin also sees how the gateway does, and changes its settings."""

LANGUAGES = ("en", "es", "pt")
THEMES = ("light", "dark")
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the team. `numbers` are the phone number ids that they may see; None means all.

    Null `language` and `theme` mean what their browser asks for.
    """

    id: str
    name: str
    role: Role
    numbers: frozenset[str] | None = None
    language: str | None = None
    theme: str | None = None

    def may(self, role: Role) -> bool:
        """Return whether the person may use pages of this role; an admin may use all."""
        return role == "agent" or self.role == "admin"

    def sees(self, phone_number_id: str) -> bool:
        """Return whether the person may see what a business number receives and sends."""
        return self.numbers is None or phone_number_id in self.numbers


def name_key(name: str) -> str:
    """Return the form in which two names that only differ in case or in how accents are written are the same."""
    return unicodedata.normalize("NFKC", name).casefold()


def is_name(name: str) -> bool:
    """Return whether a text may be a person's name: 1 to 80 characters, printable, no space around it."""
    return 0 < len(name) <= LONGEST_NAME and name == name.strip() and name.isprintable()
