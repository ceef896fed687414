"""A real Prometheus reads a gateway after a burst: its counts are the database's, and no rule fires."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest
import requests
import yaml

from app.config.parsers import ROOT
from tests.drills.conftest import IS_LONG
from tests.drills.test_sends import TOKEN, meta_of
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import API_KEY, Gateway, free_port, running
from tests.load.senders import post_all
from tests.monitoring.test_alert_rules import RULES
from tests.subscriber import ALLOWED, Handler, Posted, subscriber

DEPLOYED = ROOT / "deploy" / "prometheus"
SECONDS = 60.0


class Prometheus:
    """One that runs, with our configuration."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path: str) -> list[dict[str, object]]:
        """What it answers to a query of its API; nothing while it starts."""
        try:
            with urlopen(f"{self.url}/api/v1/{path}", timeout=10) as answer:
                found = json.load(answer)["data"]
        except (URLError, OSError):
            return []
        return found["result"] if isinstance(found, dict) else found

    def value(self, expression: str) -> float | None:
        """The one value of an expression."""
        found = self.ask(f"query?query={quote(expression)}")
        return float(found[0]["value"][1]) if found else None  # type: ignore[index]

    def wait(self, expression: str, is_right: Callable[[float], bool]) -> float | None:
        """Ask until the value is right, for a minute at most; return the last one."""
        until = time.monotonic() + SECONDS
        while (found := self.value(expression)) is None or not is_right(found):
            if time.monotonic() > until:
                break
            time.sleep(0.1)
        return found


@contextmanager
def prometheus(folder: Path, gateway: Gateway, *, waits: bool = True) -> Iterator[Prometheus]:
    """Our own configuration, which reads this gateway every half second. Without `waits`, alerts fire at once."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    folder.mkdir()
    config = yaml.safe_load((DEPLOYED / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    config["alerting"]["alertmanagers"] = []
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{gateway.port}"]
    config["scrape_configs"][0]["scrape_timeout"] = "500ms"
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    (folder / "whatsapp-key").write_text(API_KEY)
    rules = yaml.safe_load(RULES.read_text())
    for rule in rules["groups"][0]["rules"] if not waits else ():
        rule.pop("for", None)
    (folder / "alerts.yaml").write_text(yaml.safe_dump(rules))
    port = free_port()
    command = [
        "prometheus", f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage", "--log.level=warn",
    ]  # fmt: skip
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(20)


def in_the_end(is_so: Callable[[], bool]) -> bool:
    """Whether something is so, once it is, or a minute later."""
    until = time.monotonic() + SECONDS
    while not (found := is_so()) and time.monotonic() < until:
        time.sleep(0.1)
    return found


class Forgetful:
    """An app that takes every event, but the first one only at the second try."""

    def __init__(self) -> None:
        self.refused = 0

    def __call__(self, handler: Handler, _posted: Posted) -> None:
        self.refused += 1
        handler.answer(503 if self.refused == 1 else 200)


def send(gateway: Gateway, number: int) -> int:
    """Send a message; the status of the answer."""
    body = json.dumps({"to": f"+346001{number:05}", "message": "Hola"}).encode()
    head = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    return gateway.request("POST", "/send/whatsapp", body, head, timeout=30).status


def test_what_prometheus_counts_after_a_burst_is_what_the_database_holds(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "gateway")
    with subscriber(Forgetful()) as app, meta_of(gateway) as meta:
        gateway.extra = {
            "FORWARD_URL": app.url, "FORWARD_SECRET": "whsec_" + "a" * 32, "FORWARD_ALLOW_NETS": ALLOWED,
            "GRAPH_API_URL": meta.url, "WHATSAPP_ACCESS_TOKEN": TOKEN,
        }  # fmt: skip
        meta.add_fault("silence")  # whose reports would be webhooks of their own
        with running(gateway), prometheus(tmp_path / "prometheus", gateway) as seen:
            # Rates need a value from before the burst.
            assert seen.wait("sum(whatsapp_notifications_kept_total)", lambda value: value == 0) == 0
            webhooks = list(Maker(gateway.env["WHATSAPP_APP_SECRET"], seed=3).mixed(120))
            acks = post_all(gateway, [*webhooks, *webhooks[:10]])
            books = Books(gateway)
            books.wait_settled()
            processed = books.count("events")
            assert [send(gateway, number) for number in range(5)] == [200] * 5
            meta.add_fault("code", code=131009, times=2)
            assert [send(gateway, number) for number in (5, 6)] == [422] * 2
            assert in_the_end(lambda: books.count("deliveries", "state <> 'delivered'") == 0)
            taken, attempts = books.count("deliveries", "state = 'delivered'"), "delivery_attempts"
            expected = {
                "sum(whatsapp_notifications_kept_total)": books.count("notifications"),
                'sum(whatsapp_items_total{outcome="processed"})': processed,
                'sum(whatsapp_items_total{outcome="duplicate"})': 10,
                "sum(whatsapp_number_items_total)": 130,
                "sum(whatsapp_statuses_total)": books.count("status_reports"),
                'sum(whatsapp_sends_total{outcome="accepted"})': books.count("send_attempts", "state = 'accepted'"),
                'sum(whatsapp_sends_total{outcome="refused"})': books.count("send_attempts", "state = 'refused'"),
                "sum(whatsapp_number_sends_total)": 7,
                'sum(whatsapp_deliveries_total{outcome="delivered"})': books.count(attempts, "status = 200"),
                'sum(whatsapp_deliveries_total{outcome="failed"})': books.count(attempts, "status = 503"),
                "sum(whatsapp_webhook_seconds_count)": books.count("notifications"),
                "sum(whatsapp_delivery_lag_seconds_count)": taken,
                'max(whatsapp_backlog{queue="webhooks"})': 0,
                "max(whatsapp_database_up)": 1,
                "max(whatsapp_workers)": 1,
            }  # fmt: skip
            found = {each: seen.wait(each, partial(float.__eq__, float(right))) for each, right in expected.items()}

            assert len(acks.acknowledged) == 130 and not acks.refused
            assert found == expected
            sends = [found[f'sum(whatsapp_sends_total{{outcome="{outcome}"}})'] for outcome in ("accepted", "refused")]
            assert sends == [5, 2] and found['sum(whatsapp_deliveries_total{outcome="failed"})'] == 1
            assert seen.ask("query?query=" + quote('ALERTS{alertstate="firing"}')) == []
            bucket = quote("whatsapp_webhook_seconds_bucket")
            exemplars = seen.ask(f"query_exemplars?query={bucket}&start={time.time() - 600}&end={time.time() + 60}")
            assert exemplars and "request_id" in str(exemplars[0])


@pytest.mark.skipif(not IS_LONG, reason="three minutes: DRILL=long")
def test_alerts_fire_in_drills_of_a_whole_gateway_and_end_after_them(tmp_path: Path) -> None:
    """The waits of the rules themselves are left out; those of the gateway are not."""
    answers = [500]

    def answer(handler: Handler, _posted: Posted) -> None:
        handler.answer(answers[-1])

    with subscriber(answer) as app:
        settings = {"FORWARD_URL": app.url, "FORWARD_SECRET": "whsec_" + "a" * 32, "FORWARD_ALLOW_NETS": ALLOWED}
        with running(Gateway(tmp_path / "gateway", settings)) as gateway:
            with prometheus(tmp_path / "prometheus", gateway, waits=False) as seen:
                seen.wait("max(whatsapp_workers)", lambda value: value == 1)
                maker = Maker(gateway.env["WHATSAPP_APP_SECRET"], seed=4)
                post_all(gateway, [maker.one_text()])
                assert _firing(seen, {"WhatsAppEndpointFailing"}, 200) == {"WhatsAppEndpointFailing"}
                answers.append(200)
                assert _firing(seen, set(), 100) == set()

                [worker] = gateway.job_workers()
                worker.suspend()
                assert _firing(seen, {"WhatsAppWorkerMissing"}, 60) == {"WhatsAppWorkerMissing"}
                worker.resume()
                assert _firing(seen, set(), 60) == set()

                stranger = Maker("another-secret-than-ours-0123456789", seed=6)
                for _ in range(20):
                    webhook = stranger.one_text()
                    headers = {"X-Hub-Signature-256": webhook.signature}
                    requests.post(f"{gateway.url}/webhook/whatsapp", webhook.body, headers=headers, timeout=10)
                assert _firing(seen, {"WhatsAppSignaturesRefused"}, 30) == {"WhatsAppSignaturesRefused"}


def _firing(seen: Prometheus, wanted: set[str], seconds: float) -> set[str]:
    """Which alerts fire, once they are the wanted ones, or the time is over."""
    until = time.monotonic() + seconds
    while True:
        found = seen.ask("query?query=" + quote('ALERTS{alertstate="firing"}'))
        names = {str(each["metric"]["alertname"]) for each in found}  # type: ignore[index]
        if names == wanted or time.monotonic() > until:
            return names
        time.sleep(0.2)
