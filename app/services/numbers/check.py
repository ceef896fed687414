"""Check a number at Meta: connection, token, permissions, webhook subscription."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.config.settings import Config
from app.domain import number_health as health
from app.domain.number_health import NEW_TOKEN, OK, PROBLEM, UNKNOWN, Finding
from app.domain.numbers import BusinessNumber
from app.errors import GraphError, GraphRefused, GraphUnauthorised, NotFound
from app.graph.client import GraphClient
from app.graph.loop_guard import address_here
from app.services.registries import NumberDirectory


@dataclass(frozen=True, slots=True)
class Report:
    """The findings about one number."""

    phone_number_id: str
    checked_at: datetime
    findings: list[Finding]

    @property
    def state(self) -> str:
        """`problem` if any finding is one, else `unknown` if any check failed, else `ok`. Warnings do not count."""
        found = {finding.state for finding in self.findings}
        return next((state for state in (PROBLEM, UNKNOWN) if state in found), OK)

    @property
    def ok(self) -> bool:
        """Whether the state is `ok`."""
        return self.state == OK


class CheckNumber:
    """Checks a number by reading from Graph. Changes nothing."""

    def __init__(
        self, config: Config, directory: NumberDirectory, graph: GraphClient, now: Callable[[], datetime]
    ) -> None:
        self._config = config
        self._directory = directory
        self._graph = graph
        self._now = now

    def __call__(self, phone_number_id: str) -> Report:
        """Return the report on a number. Raises `NotFound`; errors of Graph are findings."""
        number = self._directory.read().find(phone_number_id)
        if number is None:
            raise NotFound("No number of ours has this phone_number_id.")
        return Report(phone_number_id, self._now(), list(self._findings(number)))

    def _findings(self, number: BusinessNumber) -> Iterator[Finding]:
        config = self._config
        here = address_here(config.graph_api_url, config.graph_hosts, config.graph_proxy)
        if here is not None:
            text = "Calls to Meta end here: the host name in GRAPH_API_URL is directed to this network."
            remedy = "Remove the hosts entry, extra_hosts or DNS record here; only the application needs it."
            yield Finding("way_to_meta", PROBLEM, text, here, remedy)
        told = self._ask("number", number, number.phone_number_id, fields=",".join(health.NUMBER_FIELDS))
        if isinstance(told, Finding):
            yield told
        else:
            yield from health.read_number(told, number.display_phone_number)
        token = self._ask("token", number, "debug_token", input_token=number.access_token)
        facts = token.get("data") if isinstance(token, Mapping) else None
        facts = facts if isinstance(facts, Mapping) else {}
        if isinstance(token, Finding):
            yield token
        else:
            yield from health.read_token(facts, self._now(), number.waba_id)
            app = health.read_app(facts, number.app)
            yield from [app] if app else []
        app_id = facts.get("app_id")
        yield self._subscription(number, app_id if isinstance(app_id, str) else None)

    def _subscription(self, number: BusinessNumber, app_id: str | None) -> Finding:
        if number.waba_id is None:
            remedy = "Save it: `flask numbers add --waba`, or PATCH /api/numbers/<id>."
            return Finding("subscription", UNKNOWN, "The number's business account is not known.", None, remedy)
        told = self._ask("subscription", number, number.waba_id, "subscribed_apps")
        return told if isinstance(told, Finding) else health.read_subscription(told, app_id, number.waba_id)

    def _ask(self, name: str, number: BusinessNumber, *path: str, **params: str) -> Mapping[str, Any] | Finding:
        try:
            answer = self._graph.request("GET", *path, token=number.access_token, params=params)
        except GraphError as error:
            return _failed(name, error)
        return answer if isinstance(answer, Mapping) else {}


def _failed(name: str, error: GraphError) -> Finding:
    code = (error.meta or {}).get("code")
    value = f"code {code}" if code else None
    if isinstance(error, GraphUnauthorised):
        return Finding(name, PROBLEM, error.message, value, NEW_TOKEN)
    if isinstance(error, GraphRefused):
        remedy = "Check the ids; the token's system user must have this WhatsApp account in Meta's business settings."
        return Finding(name, PROBLEM, f"Meta refuses to say. {error.message}", value, remedy)
    return Finding(name, UNKNOWN, "Meta could not be asked.", value, "Try again in a while.")
