"""What Graph accepts as shared contacts (Meta: messages/contacts-messages)."""

from __future__ import annotations

from typing import Any

from simulator.graph.errors import missing
from simulator.graph.rules import Rule, array, join, structure, text

_MOST_CONTACTS = 257
_NAME_PARTS = ("first_name", "last_name", "middle_name", "suffix", "prefix")
_MOST_OF_EACH = 20


def _part(*keys: str) -> Rule:
    return structure(optional=dict.fromkeys(keys, text(1000, shortest=0)))


def _entry(own: str, *others: str) -> Rule:
    """A number, an address or a link, and what is said of it. An empty one is what clients send for none."""
    parts = _part(own, *others)

    def rule(value: Any, path: str) -> None:
        parts(value, path)
        if any(each is not None for each in value.values()) and value.get(own) is None:
            raise missing(join(path, own))

    return rule


_NAME = structure({"formatted_name": text(1000)}, dict.fromkeys(_NAME_PARTS, text(1000, shortest=0)))
"""Meta's page wants one part beside `formatted_name`; clients that send it alone are not refused."""

_CONTACT = structure(
    {"name": _NAME},
    {
        "birthday": text(10, pattern=r"\d{4}-\d{2}-\d{2}"),
        "phones": array(_entry("phone", "type", "wa_id"), 0, _MOST_OF_EACH),
        "emails": array(_entry("email", "type"), 0, _MOST_OF_EACH),
        "urls": array(_entry("url", "type"), 0, _MOST_OF_EACH),
        "addresses": array(
            _part("street", "city", "state", "zip", "country", "country_code", "type"), 0, _MOST_OF_EACH
        ),
        "org": _part("company", "department", "title"),
    },
)

CONTACTS = array(_CONTACT, 1, _MOST_CONTACTS)
