"""Categories of templates, asked of Meta for recipients who opted out of marketing, and cached for an hour.

Each process has a cache of its own, behind it one that processes share in Redis, if there is one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from app.cache import Cache
from app.domain.numbers import BusinessNumber
from app.domain.outbound import OutboundRequest
from app.errors import GraphError, OptedOut
from app.graph.client import GraphClient
from app.logs import get_logger
from app.services.registries import NumberDirectory

CACHE_SECONDS = 3600.0
"""Meta may change a template's category, and announces it a day before."""

RETRY_SECONDS = 60.0
"""How long a failed call, or a template that Meta does not know, is remembered."""

MAX_CACHED = 1_000
"""Callers may name any number of templates, so the cache is bounded."""

_NO_MARKETING = frozenset({"UTILITY", "AUTHENTICATION"})
_UNDECIDED = (
    "The customer wants no marketing from this number, and Meta could not be asked whether this template is any. Try"
    " again in a minute, or use `force` if it is none."
)

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Cached:
    """A template's categories by language, valid until a monotonic time."""

    categories: dict[str, str]
    until: float


class TemplateCategories:
    """Tells marketing templates from others. May call Meta, so it must not be used within a transaction."""

    def __init__(
        self,
        directory: NumberDirectory,
        graph: GraphClient,
        monotonic: Callable[[], float] = time.monotonic,
        shared: Cache | None = None,
    ) -> None:
        """`shared` is what processes share; None for nothing."""
        self._directory = directory
        self._graph = graph
        self._monotonic = monotonic
        self._shared = shared or Cache()
        self._cache: dict[tuple[str, str], _Cached] = {}
        self._silent_until: dict[str, float] = {}

    def clear(self, request: OutboundRequest, phone_number_id: str, refusal: OptedOut) -> OutboundRequest:
        """Return the request marked as no marketing. Raises `OptedOut` for marketing, or if Meta cannot be asked."""
        name, language = _named(request.content)
        number = self._directory.current.find(phone_number_id)
        if request.type != "template" or not name or number is None or number.waba_id is None:
            raise refusal
        found = self._categories(number, number.waba_id, name)
        if found is None:
            raise OptedOut(_UNDECIDED, meta=refusal.meta) from refusal
        if found.get(language) not in _NO_MARKETING:
            raise refusal
        return replace(request, is_marketing=False)

    def _categories(self, number: BusinessNumber, account: str, name: str) -> dict[str, str] | None:
        """Return a template's category by language; None if Meta cannot be asked now."""
        now, known = self._monotonic(), self._cache.get((account, name))
        if known is not None and now < known.until:
            return known.categories
        if now < self._silent_until.get(account, now):
            return None
        key = f"categories:{account}:{name}"
        shared = self._shared.get(key)
        try:
            found = shared or self._graph.template_categories(account, name, number.access_token)
        except GraphError as error:
            self._silent_until[account] = now + RETRY_SECONDS
            logger.warning("Meta did not say what category a template has", extra={"error": type(error).__name__})
            return None
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
        if found and not shared:
            self._shared.put(key, found, CACHE_SECONDS)
        is_fresh = found and not shared
        self._cache[account, name] = _Cached(found, now + (CACHE_SECONDS if is_fresh else RETRY_SECONDS))
        return found


def _named(content: Any) -> tuple[str, str]:
    """Return a template's name and language code; an empty text for each that is missing, as in a `raw` object."""
    content = content if isinstance(content, dict) else {}
    language = content.get("language")
    name, code = content.get("name"), language.get("code") if isinstance(language, dict) else None
    return name if isinstance(name, str) else "", code if isinstance(code, str) else ""
