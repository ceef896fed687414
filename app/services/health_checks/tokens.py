"""Ask Meta once a day how long each access token is valid."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.alerts import Finding
from app.domain.numbers import Directory
from app.errors import GraphError, GraphUnauthorised
from app.graph.client import GraphClient

ASK_EVERY = timedelta(days=1)
ASK_AGAIN = timedelta(hours=1)
"""The interval for a token with a problem, or if Meta gave no useful answer."""

NOTICE = timedelta(days=7)
"""How long before a token expires it is reported."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """Meta's answer about a token. `is_valid` is None if there was no useful answer."""

    asked_at: datetime
    is_valid: bool | None = None
    expires_at: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        is_well = self.is_valid is True and (self.expires_at is None or self.expires_at > now + NOTICE)
        return now - self.asked_at < (ASK_EVERY if is_well else ASK_AGAIN)


class TokenChecks:
    """Remembers Meta's answer for each token, in the memory of one worker. A new token is checked at once."""

    def __init__(self, graph: GraphClient) -> None:
        self._graph = graph
        self._answers: dict[str, _Answer] = {}

    def __call__(self, directory: Directory, now: datetime) -> list[Finding]:
        """Return findings for numbers whose token is invalid or expires within a week.

        Also for numbers about whose token Meta gave no answer, with `known` false: these raise no alert and close none.
        """
        tokens = {hashlib.sha256(n.access_token.encode()).hexdigest(): n.access_token
                  for n in directory.numbers.values() if n.access_token}  # fmt: skip
        for name, token in tokens.items():
            known = self._answers.get(name)
            if known is None or not known.is_fresh(now):
                self._answers[name] = self._ask(token, now)
        self._answers = {name: answer for name, answer in self._answers.items() if name in tokens}
        found = []
        for number in directory.numbers.values():
            answer = self._answers.get(hashlib.sha256(number.access_token.encode()).hexdigest())
            details = _trouble(answer, now) if answer else None
            is_known = answer is None or answer.is_valid is not None
            if details is not None or not is_known:
                found.append(Finding(number.phone_number_id, number.phone_number_id, details or {}, is_known))
        return found

    def _ask(self, token: str, now: datetime) -> _Answer:
        try:
            data = self._graph.debug_token(token)
        except GraphUnauthorised:
            return _Answer(now, is_valid=False)
        except GraphError:
            return _Answer(now)
        is_valid = data.get("is_valid")
        return _Answer(now, is_valid if isinstance(is_valid, bool) else None, _moment(data.get("expires_at")))


def _trouble(answer: _Answer, now: datetime) -> dict[str, Any] | None:
    if answer.is_valid is False:
        return {"valid": "no"}
    if answer.expires_at is not None and answer.expires_at <= now + NOTICE:
        return {"expires": f"{answer.expires_at:%Y-%m-%d %H:%M} UTC"}
    return None


def _moment(value: Any) -> datetime | None:
    """Convert Meta's `expires_at`, in seconds since 1970. 0 means never: returns None, as for any unusable value."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 10**11:
        return None
    return datetime.fromtimestamp(value, tz=UTC)
