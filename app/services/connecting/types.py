"""What the steps of connecting take and return."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.graph.client import GraphClient


class StepState(StrEnum):
    """What became of a step. `already`: nothing was to be done. `would`: it would be done, if this were no dry run."""

    DONE = "done"
    ALREADY = "already"
    WOULD = "would"
    WARN = "warn"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is called, what became of it, in words, and what to do if it failed."""

    name: str
    state: StepState
    text: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Link:
    """An app of Meta's, its secret and a token, with the client that calls Graph. It has no useful `repr`."""

    graph: GraphClient
    app_id: str
    app_secret: str
    access_token: str

    @property
    def app_token(self) -> str:
        """The token of the app itself, for what is the app's: debugging tokens, and its subscriptions."""
        return f"{self.app_id}|{self.app_secret}"
