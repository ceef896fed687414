"""Drills of a whole gateway, each as what is done to it once a second, how one sees that it hurts, and how it ends.

`python -m tests.monitoring.record` plays them and writes down the gateway's metrics before, during and after each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests
from prometheus_client.parser import text_string_to_metric_families

from simulator.testing import MetaStandIn
from tests.drills.test_sends import TOKEN, meta_of
from tests.load.bodies import Maker, Webhook, dump
from tests.load.gateway import API_KEY, APP_SECRET, ONE_WEB, Gateway, running
from tests.subscriber import ALLOWED, App, answering, subscriber

Samples = Mapping[str, float]
"""By the name of a series with its labels, as it is exposed: its value."""


@dataclass
class Stage:
    """A gateway with a simulated Meta, and an app that takes its events."""

    gateway: Gateway
    meta: MetaStandIn
    app: App
    maker: Maker = field(default_factory=lambda: Maker(APP_SECRET, seed=11))
    stranger: Maker = field(default_factory=lambda: Maker("of-somebody-else-0123456789", seed=12))
    sent: int = 0
    suspended: list[psutil.Process] = field(default_factory=list)

    def scrape(self) -> Samples:
        """What a scraper is told now."""
        text = self.gateway.get("/metrics").body.decode()
        return {
            _name(sample.name, sample.labels): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples
        }  # fmt: skip

    def post(self, webhook: Webhook) -> int:
        """Post a webhook; its status."""
        return requests.post(
            f"{self.gateway.url}/webhook/whatsapp", webhook.body, headers=webhook.headers, timeout=20
        ).status_code

    def send(self, **more: Any) -> None:
        """Queue a message to a customer who has none yet."""
        self.sent += 1
        body = json.dumps({"to": f"+346001{self.sent:05}", "message": "Hola", "mode": "queued", **more}).encode()
        head = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
        assert self.gateway.request("POST", "/send/whatsapp", body, head).status == 202

    def change(self, name: str, value: Mapping[str, Any]) -> None:
        """Post a webhook about the account or the number."""
        assert self.post(self.maker.webhook([{"field": name, "value": value}])) == 200


def _name(name: str, labels: Mapping[str, str]) -> str:
    shown = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{shown}}}" if shown else name


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A gateway on SQLite, ready, with its worker."""
    gateway = Gateway(folder)
    with subscriber() as app, meta_of(gateway) as meta:
        gateway.extra = {
            "GRAPH_API_URL": meta.url, "WHATSAPP_ACCESS_TOKEN": TOKEN, "FORWARD_URL": app.url,
            "FORWARD_SECRET": "whsec_" + "a" * 32, "FORWARD_ALLOW_NETS": ALLOWED, "UNKNOWN_SEND_SECONDS": "15",
            **ONE_WEB,
        }  # fmt: skip
        with running(gateway):
            yield Stage(gateway, meta, app)


def is_above(metric: str, least: float = 0, labels: str = "") -> Callable[[Samples], bool]:
    """Whether any series of a metric, with these labels, is above a value."""
    return lambda found: any(
        value > least for name, value in found.items() if name.partition("{")[0] == metric and labels in name
    )


def is_calm(found: Samples) -> bool:
    """Whether a gateway has nothing to do and nothing to say."""
    gauges = (
        "whatsapp_backlog", "whatsapp_number_breaker_open", "whatsapp_number_paused", "whatsapp_number_bulk_stopped",
        "whatsapp_endpoint_failing_seconds", "whatsapp_endpoint_breaker_open", "whatsapp_endpoint_disabled",
        "whatsapp_alerts_open", "whatsapp_sends_held", "whatsapp_number_flagged",
    )  # fmt: skip
    busy = [name for name, value in found.items() if name.partition("{")[0] in gauges and value > 0]
    return not busy and found.get("whatsapp_workers", 0) > 0 and found["whatsapp_worker_seen_seconds"] < 10


def _nothing(_: Stage) -> None:
    """Nothing is to be done."""


def _well(on: Stage) -> None:
    assert on.post(on.maker.one_text()) == 200
    on.send()


@dataclass(frozen=True)
class RealDrill:
    """`begin` does the harm, `beat` is done once a second while it lasts, `end` takes it away.

    `is_seen` says of a scrape that the harm shows there. `may_heal` is false for what people or days end: it has a
    gateway of its own, and what came before stands for what comes after.
    """

    fires: set[str]
    begin: Callable[[Stage], object] = _nothing
    beat: Callable[[Stage], object] = _well
    end: Callable[[Stage], object] = _nothing
    is_seen: Callable[[Samples], bool] = lambda found: True
    may_heal: bool = True


def _stop_the_worker(on: Stage) -> None:
    on.suspended[:] = on.gateway.job_workers()
    for process in on.suspended:
        process.suspend()


def _go_on(on: Stage) -> None:
    for process in on.suspended:
        process.resume()


def _app_answers(status: int) -> Callable[[Stage], None]:
    def begin(on: Stage) -> None:
        on.app.reply = answering(status)

    return begin


def _graph(kind: str, **settings: Any) -> Callable[[Stage], object]:
    return lambda on: on.meta.add_fault(kind, **settings)


def _send_after(*faults: tuple[str, dict[str, Any]]) -> Callable[[Stage], None]:
    """Send one message at which these faults strike."""

    def begin(on: Stage) -> None:
        for kind, settings in faults:
            on.meta.add_fault(kind, **settings)
        on.send()

    return begin


def _heal(on: Stage) -> None:
    on.meta.clear_faults()


def _text(on: Stage) -> None:
    assert on.post(on.maker.one_text()) == 200


def _false_signatures(count: int, true: int) -> Callable[[Stage], None]:
    def beat(on: Stage) -> None:
        assert {on.post(on.stranger.one_text()) for _ in range(count)} == {401}
        for _ in range(true):
            _text(on)

    return beat


def _quality(event: str) -> Callable[[Stage], None]:
    value = {"display_phone_number": "15550100100", "event": event, "current_limit": "TIER_1K"}
    return lambda on: on.change("phone_number_quality_update", value)


def _flow(on: Stage) -> None:
    on.change("flows", {
        "event": "ENDPOINT_AVAILABILITY", "flow_id": "1", "message": "The endpoint is often away", "threshold": 90,
        "availability": 75, "alert_state": "ACTIVATED",
    })  # fmt: skip


def _flow_is_well(on: Stage) -> None:
    on.change("flows", {
        "event": "ENDPOINT_AVAILABILITY", "flow_id": "1", "message": "The endpoint is well", "threshold": 90,
        "availability": 99, "alert_state": "DEACTIVATED",
    })  # fmt: skip


def _poison(on: Stage) -> None:
    entry = {"id": "900100200300400", "changes": [on.maker.value(messages=[{"type": "text"}])]}
    assert on.post(on.maker.signed(dump({"object": "whatsapp_business_account", "entry": [entry]}))) == 200


REAL: dict[str, RealDrill] = {
    "all is well": RealDrill(set()),
    "a stranger posts beside Meta": RealDrill(set(), beat=_false_signatures(1, 3)),
    "the app secret was reset": RealDrill({"WhatsAppSignaturesRefused"}, beat=_false_signatures(3, 0)),
    "the worker is stopped": RealDrill(
        {"WhatsAppWorkerMissing"}, begin=_stop_the_worker, end=_go_on, beat=_text,
        is_seen=lambda found: found.get("whatsapp_workers") == 0,
    ),
    "Meta refuses what is sent": RealDrill(
        {"WhatsAppSendsRefused"}, begin=_graph("code", code=131009), end=_heal,
        is_seen=is_above("whatsapp_number_sends_total", 0, 'outcome="refused"'),
    ),
    "Meta locks the number": RealDrill(
        {"WhatsAppNumberStopped"}, end=_heal, beat=_text, may_heal=False,
        begin=_send_after(("code", {"code": 131031})),
        is_seen=is_above("whatsapp_number_bulk_stopped"),
    ),
    "the token is dead": RealDrill(
        {"WhatsAppTokenRefused"}, begin=_graph("code", code=190, on="any", status=401), end=_heal,
        is_seen=is_above("whatsapp_number_paused", 0, 'reason="auth"'),
    ),
    "Meta gives no clear answers": RealDrill(
        {"WhatsAppMetaUnreachable"}, begin=_graph("html"), end=_heal, is_seen=is_above("whatsapp_number_breaker_open"),
        may_heal=False,  # sends are held for a person
    ),
    "an answer of Meta's is lost": RealDrill(
        {"WhatsAppSendsHeld"}, end=_heal, beat=_text, is_seen=is_above("whatsapp_sends_held"), may_heal=False,
        begin=_send_after(("cut", {"times": 1}), ("silence", {})),
    ),
    "an app is down": RealDrill(
        {"WhatsAppEndpointFailing"}, begin=_app_answers(500), end=_app_answers(200), beat=_text,
        is_seen=is_above("whatsapp_endpoint_failing_seconds", 3),
    ),
    "people block the number": RealDrill(
        {"WhatsAppQualityFlagged"}, begin=_quality("FLAGGED"), end=_quality("UNFLAGGED"),
        is_seen=is_above("whatsapp_number_flagged"),
    ),
    "a flow fails": RealDrill(
        {"WhatsAppGatewayAlert"}, begin=_flow, end=_flow_is_well, is_seen=is_above("whatsapp_alerts_open")
    ),
    "a poisoned item": RealDrill({"WhatsAppItemsSetAside"}, beat=_poison, may_heal=False),
}  # fmt: skip
