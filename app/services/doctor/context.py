"""What the checks work with, and what Meta was asked already: each question goes out once, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.config.parsers import ROOT
from app.config.settings import Config
from app.db.database import Database
from app.domain.meta_health import MORE_NUMBER_FIELDS
from app.domain.number_health import NUMBER_FIELDS
from app.domain.numbers import BusinessNumber, Directory
from app.errors import GraphError, GraphRefused
from app.graph.client import GraphClient

ASK_SECONDS = 5.0
"""How long Meta may take for one answer."""

Answer = Mapping[str, Any] | GraphError
"""What Meta said, or why it did not."""


class Answers:
    """Remembers answers. Of several threads with the same question one asks, and the others wait."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._locks: dict[tuple[str, ...], threading.Lock] = {}
        self._known: dict[tuple[str, ...], Any] = {}

    def get(self, key: tuple[str, ...], ask: Callable[[], Any]) -> Any:
        """Return the answer for this key, asking if nobody did."""
        with self._mutex:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._known:
                self._known[key] = ask()
            return self._known[key]


@dataclass(frozen=True, slots=True)
class DoctorContext:
    """What a check may use. `root` is the project's folder, where `.env` is; `directory` has the numbers."""

    config: Config
    database: Database
    directory: Callable[[], Directory]
    graph: GraphClient
    now: Callable[[], datetime]
    root: Path = ROOT
    answers: Answers = field(default_factory=Answers)

    @property
    def callback_url(self) -> str:
        """The address that Meta must post to; empty without `PUBLIC_URL`."""
        return f"{self.config.public_url}/webhook/whatsapp" if self.config.public_url else ""

    @property
    def app_token(self) -> str:
        """The token of the settings' own app itself; empty where the app's id is not known."""
        config = self.config
        if not config.whatsapp_app_id or not config.whatsapp_app_secrets:
            return ""
        return f"{config.whatsapp_app_id}|{config.whatsapp_app_secrets[0]}"

    def numbers(self) -> list[BusinessNumber]:
        """Return the business numbers, by id."""
        return [number for _, number in sorted(self.directory().numbers.items())]

    def accounts(self) -> list[BusinessNumber]:
        """Return one number of each business account that is known."""
        return list({number.waba_id: number for number in self.numbers() if number.waba_id}.values())

    def date(self) -> datetime | GraphError | None:
        """Return Meta's time, or why it did not answer; None if the answer had no time."""

        def ask() -> datetime | GraphError | None:
            try:
                return self.graph.date()
            except GraphError as error:
                return error

        found: datetime | GraphError | None = self.answers.get(("date",), ask)
        return found

    def token(self, number: BusinessNumber) -> Answer:
        """Return what Meta says of a number's token: the app asks, if it may, which also works for a dead one."""
        if self.app_token:
            said = self._ask("debug_token", token=self.app_token, input_token=number.access_token)
            if not isinstance(said, GraphError):
                return _data(said)
        said = self._ask("debug_token", token=number.access_token, input_token=number.access_token)
        return said if isinstance(said, GraphError) else _data(said)

    def number(self, number: BusinessNumber) -> Answer:
        """Return the fields of a number; only the oldest ones where this version of Graph does not know the others."""
        said = self._ask(
            number.phone_number_id, token=number.access_token, fields=",".join(NUMBER_FIELDS + MORE_NUMBER_FIELDS)
        )
        if isinstance(said, GraphRefused):
            return self._ask(number.phone_number_id, token=number.access_token, fields=",".join(NUMBER_FIELDS))
        return said

    def subscribed(self, number: BusinessNumber) -> Answer:
        """Return the apps that hear of the number's account."""
        return self._ask(str(number.waba_id), "subscribed_apps", token=number.access_token)

    def subscriptions(self) -> Answer:
        """Return what the settings' own app hears of, and where; needs `app_token`."""
        return self._ask(self.config.whatsapp_app_id, "subscriptions", token=self.app_token)

    def templates(self, number: BusinessNumber) -> Answer:
        """Return the first templates of the number's account, with their states."""
        return self._ask(
            str(number.waba_id), "message_templates", token=number.access_token,
            fields="name,language,status,category", limit="250",
        )  # fmt: skip

    def _ask(self, *path: str, token: str, **params: str) -> Answer:
        def ask() -> Answer:
            try:
                answer = self.graph.request("GET", *path, token=token, params=params, timeout_seconds=ASK_SECONDS)
            except GraphError as error:
                return error
            return answer if isinstance(answer, Mapping) else {}

        found: Answer = self.answers.get((*path, token, *sorted(params.values())), ask)
        return found


def _data(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    data = answer.get("data")
    return data if isinstance(data, Mapping) else {}
