"""Read an account's templates from Meta."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.cache import Cache
from app.domain.numbers import BusinessNumber
from app.domain.template_parameters import Template
from app.errors import GraphError, NotFound
from app.graph.client import GraphClient
from app.logs import get_logger
from app.services.registries import NumberDirectory

CACHE_SECONDS = 300.0
"""Somebody who had a template approved expects to see it soon."""

SHARED_SECONDS = 60.0
"""How long a process keeps what another one read: that may be minutes old already."""

RETRY_SECONDS = 60.0
"""How long a page does without definitions after Meta did not answer."""

LIST_SECONDS, LOOK_SECONDS = 8.0, 2.0
"""Timeouts for somebody who asked for the list, and for a page that shows a template among other messages."""

MOST_PAGES = 10
_FIELDS = "name,language,status,category,components,parameter_format"

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    templates: dict[tuple[str, str], Template]
    until: float


class ReadTemplates:
    """Lists and finds templates. May call Meta, so it must not be used within a transaction. Thread-safe."""

    def __init__(
        self,
        directory: NumberDirectory,
        graph: GraphClient,
        monotonic: Callable[[], float] = time.monotonic,
        cache: Cache | None = None,
    ) -> None:
        """`cache` is what processes share; None for nothing."""
        self._directory = directory
        self._graph = graph
        self._monotonic = monotonic
        self._cache = cache or Cache()
        self._kept: dict[str, _Kept] = {}
        self._silent_until: dict[str, float] = {}

    def list(self, phone_number_id: str) -> list[Template]:
        """Return the approved templates that a number can send, by name and language.

        Raises `NotFound` for a number that is not configured or has no account, and the errors of `GraphClient`.
        """
        found = self._read(self._number(phone_number_id), LIST_SECONDS)
        approved = [each for each in found.values() if each.status.upper() == "APPROVED"]
        return sorted(approved, key=lambda each: (each.name, each.language))

    def find(self, phone_number_id: str, name: str, language: str) -> Template:
        """Return an approved template. Raises `NotFound`, and the errors of `GraphClient`."""
        for template in self.list(phone_number_id):
            if (template.name, template.language) == (name, language):
                return template
        raise NotFound("This account has no approved template with this name and language.")

    def look(self, phone_number_id: str, name: str, language: str) -> Template | None:
        """Return a template of any status if it is known or Meta says it quickly; never raises for Meta's sake."""
        try:
            number = self._number(phone_number_id)
            return self._read(number, LOOK_SECONDS, is_patient=False).get((name, language))
        except (GraphError, NotFound):
            return None

    def _number(self, phone_number_id: str) -> BusinessNumber:
        number = self._directory.current.find(phone_number_id)
        if number is None or number.waba_id is None:
            raise NotFound("This number has no business account whose templates could be listed.")
        return number

    def _read(
        self, number: BusinessNumber, seconds: float, *, is_patient: bool = True
    ) -> Mapping[tuple[str, str], Template]:
        account, now = str(number.waba_id), self._monotonic()
        kept = self._kept.get(account)
        if kept is not None and now < kept.until:
            return kept.templates
        if not is_patient and now < self._silent_until.get(account, 0.0):
            return kept.templates if kept is not None else {}
        key = f"templates:{account}"
        shared = self._cache.get(key)
        try:
            read = _dicts(shared) if shared else self._ask(number, account, seconds)
        except GraphError:
            self._silent_until[account] = self._monotonic() + RETRY_SECONDS
            logger.info("the templates of an account could not be read", extra={"waba_id": account})
            raise
        if not shared:
            self._cache.put(key, read, CACHE_SECONDS)
        found = {(each.name, each.language): each for each in map(_template, read)}
        self._kept[account] = _Kept(found, self._monotonic() + (CACHE_SECONDS if not shared else SHARED_SECONDS))
        return found

    def _ask(self, number: BusinessNumber, account: str, seconds: float) -> Sequence[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        params = {"fields": _FIELDS, "limit": "200"}
        for _ in range(MOST_PAGES):
            answer = self._graph.request(
                "GET", account, "message_templates", token=number.access_token, params=params, timeout_seconds=seconds
            )
            found += _dicts(answer.get("data") if isinstance(answer, dict) else None)
            after = _next_page(answer)
            if after is None:
                break
            params["after"] = after
        return found


def _template(value: Mapping[str, Any]) -> Template:
    return Template(
        name=str(value.get("name") or ""),
        language=str(value.get("language") or ""),
        category=str(value.get("category") or ""),
        status=str(value.get("status") or ""),
        components=tuple(_dicts(value.get("components"))),
        is_named=str(value.get("parameter_format") or "").upper() == "NAMED",
    )


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _next_page(answer: Any) -> str | None:
    """Return the cursor of the next page. Meta gives cursors also where no page follows, but `next` only where one
    does."""
    paging = answer.get("paging") if isinstance(answer, dict) else None
    if not isinstance(paging, dict) or not paging.get("next"):
        return None
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return after if isinstance(after, str) and after else None
