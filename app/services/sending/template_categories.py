"""Which templates are marketing. Only sends to people who want none ask; Meta tells, and what it told holds an hour.

Kept by each process for itself: it is asked for seldom, and a table would be one more thing that can be out of date.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from app.domain.numbers import BusinessNumber
from app.domain.outbound import OutboundRequest
from app.errors import GraphError, OptedOut
from app.graph.client import GraphClient
from app.logs import get_logger
from app.services.registries import NumberDirectory

HOLDS_SECONDS = 3600.0
"""A template may become marketing one day, which Meta says a day before."""

PAUSE_SECONDS = 60.0
"""After a question that Meta did not answer, and before one about a template that it does not have is put again."""

MOST = 1_000
"""Names come from callers, so there may be any number."""

_NO_MARKETING = frozenset({"UTILITY", "AUTHENTICATION"})
_UNDECIDED = (
    "The customer wants no marketing from this number, and Meta could not be asked whether this template is any. Try"
    " again in a minute, or use `force` if it is none."
)

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Told:
    """A template's categories by language, until when they hold."""

    categories: dict[str, str]
    until: float


class TemplateCategories:
    """Clears templates that are no marketing. May call Meta, so never within a transaction."""

    def __init__(
        self, directory: NumberDirectory, graph: GraphClient, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._directory = directory
        self._graph = graph
        self._monotonic = monotonic
        self._told: dict[tuple[str, str], _Told] = {}
        self._silent_until: dict[str, float] = {}

    def clear(self, request: OutboundRequest, phone_number_id: str, refusal: OptedOut) -> OutboundRequest:
        """The request that was refused, known to be no marketing. Raises the refusal, or that Meta cannot be asked."""
        name, language = _named(request.content)
        number = self._directory.current.find(phone_number_id)
        if request.type != "template" or not name or number is None or number.waba_id is None:
            raise refusal
        told = self._categories(number, number.waba_id, name)
        if told is None:
            raise OptedOut(_UNDECIDED, meta=refusal.meta) from refusal
        if told.get(language) not in _NO_MARKETING:
            raise refusal
        return replace(request, is_marketing=False)

    def _categories(self, number: BusinessNumber, account: str, name: str) -> dict[str, str] | None:
        """What Meta says of a template, None when it cannot be asked now."""
        now, known = self._monotonic(), self._told.get((account, name))
        if known is not None and now < known.until:
            return known.categories
        if now < self._silent_until.get(account, now):
            return None
        try:
            found = self._graph.template_categories(account, name, number.access_token)
        except GraphError as error:
            self._silent_until[account] = now + PAUSE_SECONDS
            logger.warning("Meta did not say what category a template has", extra={"error": type(error).__name__})
            return None
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[account, name] = _Told(found, now + (HOLDS_SECONDS if found else PAUSE_SECONDS))
        return found


def _named(content: Any) -> tuple[str, str]:
    """A template's name and language; empty for what has none, as a `raw` object may."""
    content = content if isinstance(content, dict) else {}
    language = content.get("language")
    name, code = content.get("name"), language.get("code") if isinstance(language, dict) else None
    return name if isinstance(name, str) else "", code if isinstance(code, str) else ""
