"""The templates of an account: what they say, what they ask for, and where they stand with Meta's review."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from simulator.graph.errors import GraphRefusal
from simulator.world.identifiers import numeric_id

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_PER_ACCOUNT = 6000


@dataclass
class Template:
    """One name in one language. `components` are as they were given at its creation."""

    id: str
    waba_id: str
    name: str
    language: str
    category: str
    components: list[dict[str, Any]]
    parameter_format: str = "POSITIONAL"
    status: str = "PENDING"
    rejected_reason: str = "NONE"

    def part(self, kind: str) -> dict[str, Any]:
        """The component of a kind; an empty one when the template has none."""
        return part(self.components, kind)

    def to_json(self) -> dict[str, Any]:
        """The template as Graph lists it."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "components": self.components,
            "parameter_format": self.parameter_format,
            "rejected_reason": self.rejected_reason,
            "quality_score": {"score": "UNKNOWN", "date": 1_700_000_000},
        }


def part(components: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The component of a kind among others; an empty one when there is none."""
    return next((item for item in components if str(item.get("type", "")).upper() == kind), {})


def variables(text: str) -> list[str]:
    """The names or numbers of a text's variables, each once, in the order they come in."""
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def fill(text: str, values: dict[str, str]) -> str:
    """A text with its variables replaced."""
    return _VARIABLE.sub(lambda match: values.get(match.group(1), match.group(0)), text)


HELLO_WORLD: list[dict[str, Any]] = [
    {"type": "HEADER", "format": "TEXT", "text": "Hello World"},
    {
        "type": "BODY",
        "text": "Welcome and congratulations!! This message demonstrates your ability to send a WhatsApp message "
        "notification from the Cloud API, hosted by Meta. Thank you for taking the time to test with us.",
    },
    {"type": "FOOTER", "text": "WhatsApp Business Platform sample message"},
]


@dataclass
class TemplateShelf:
    """All templates of all accounts; each account starts with `hello_world`, as Meta's do."""

    random: Random
    _by_id: dict[str, Template] = field(default_factory=dict)

    def stock(self, waba_id: str) -> None:
        """Give an account the template that every account has."""
        sample = self.add(waba_id, "hello_world", "en_US", "UTILITY", HELLO_WORLD, "POSITIONAL")
        sample.status = "APPROVED"

    def add(
        self, waba_id: str, name: str, language: str, category: str, components: list[dict[str, Any]], format: str
    ) -> Template:
        """Add a template, still to be reviewed. Refuses a name that exists in that language."""
        if self.find(waba_id, name, language):
            raise GraphRefusal(2388024, "There is already content in this language for this template name.")
        if sum(1 for _ in self.of_account(waba_id)) >= _PER_ACCOUNT:
            raise GraphRefusal(2388019, "Message template limit exceeded")
        template = Template(numeric_id(self.random), waba_id, name, language, category, components, format)
        self._by_id[template.id] = template
        return template

    def find(self, waba_id: str, name: str, language: str) -> Template | None:
        """The template of a name in a language."""
        same = (item for item in self.of_account(waba_id) if (item.name, item.language) == (name, language))
        return next(same, None)

    def get(self, template_id: str) -> Template | None:
        """A template by its id."""
        return self._by_id.get(template_id)

    def of_account(self, waba_id: str) -> Iterator[Template]:
        """An account's templates, oldest first."""
        return (item for item in list(self._by_id.values()) if item.waba_id == waba_id)

    def remove(self, template: Template) -> None:
        """Forget a template."""
        self._by_id.pop(template.id, None)
