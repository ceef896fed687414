"""One trace from a webhook to its delivery, across processes, as an OTLP receiver gets it; nothing personal in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app import traces
from app.ids import first_span_id, trace_id
from tests.load.bodies import Maker
from tests.load.connection import Connection
from tests.load.gateway import API_KEY, Gateway, running
from tests.subscriber import ALLOWED, Handler, Posted, subscriber

SECONDS = 30.0
REQUEST_ID = "a-request-id-of-the-test"
PERSONAL = ("/api/messages/wamid.HBgNMzQ2MDA=", "/api/contacts/+34600000001?q=34600000002", "/34600000003/Ana%20")
"""Paths that hold a number, an id made of one, or a name."""


class Receiver:
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        kept = self.bodies

        class Keep(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Keep)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[tuple[str, Any]]:
        """Each span with the process that sent it."""
        found = []
        for body in list(self.bodies):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                named = {each.key: each.value.string_value for each in resource.resource.attributes}
                for scope in resource.scope_spans:
                    found += [(named["process.title"], span) for span in scope.spans]
        return found

    def wait(self, trace: str, names: set[str]) -> dict[str, tuple[str, Any]]:
        """The spans of a trace by their name, once all are there."""
        until = time.monotonic() + SECONDS
        while True:
            found = {each.name: (process, each) for process, each in self.spans() if each.trace_id.hex() == trace}
            if names <= found.keys() or time.monotonic() > until:
                return found
            time.sleep(0.05)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """An OTLP receiver on a free port."""
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.server.shutdown()
        found.server.server_close()


def accept(handler: Handler, _posted: Posted) -> None:
    """Take every event."""
    handler.answer()


def test_one_trace_leads_from_the_webhook_to_the_app(tmp_path: Path) -> None:
    with receiver() as otlp, subscriber(accept) as app:
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.url, "OTEL_BSP_SCHEDULE_DELAY": "100", "FORWARD_URL": app.url,
            "FORWARD_SECRET": "whsec_" + "a" * 32, "FORWARD_ALLOW_NETS": ALLOWED, "LOG_FORMAT": "json",
        }  # fmt: skip
        with running(Gateway(tmp_path / "gateway", settings)) as gateway:
            maker = Maker(gateway.env["WHATSAPP_APP_SECRET"], seed=5)
            webhook = maker.one_text()
            head = "\r\n".join([
                "POST /webhook/whatsapp HTTP/1.1", "Host: gateway", f"X-Request-ID: {REQUEST_ID}",
                f"X-Hub-Signature-256: {webhook.signature}", f"Content-Length: {len(webhook.body)}", "", "",
            ])  # fmt: skip
            connection = Connection(("127.0.0.1", gateway.port))
            connection.post(head.encode() + webhook.body, time.monotonic())
            assert connection.whole_answer() == 200
            connection.close()
            trace = trace_id(REQUEST_ID)
            spans = otlp.wait(trace, {"webhook", "normalise", "deliver"})
            asked = [_asked(gateway, otlp, path) for path in PERSONAL]

        assert {name: process for name, (process, _) in spans.items()} == {
            "webhook": "web", "normalise": "worker", "deliver": "worker",
        }  # fmt: skip
        assert asked == ["/api/messages", "/api/contacts", "/*/*"]
        first = first_span_id(REQUEST_ID).to_bytes(8, "big")
        assert spans["webhook"][1].span_id == first and not spans["webhook"][1].parent_span_id
        assert {each.parent_span_id for name, (_, each) in spans.items() if name != "webhook"} == {first}
        assert all(0 < each.end_time_unix_nano - each.start_time_unix_nano < 60e9 for _, each in spans.values())
        log = "".join(path.read_text() for path in (tmp_path / "gateway" / "logs").iterdir())
        assert f'"trace": {{"id": "{trace}"}}' in log
        everything = b"".join(otlp.bodies)
        message = webhook.messages[0]
        people = [f"34600{number:06d}".encode() for number in range(maker.contacts)]
        assert [each for each in [message.encode(), b"wamid", b"Ana ", *people] if each in everything] == []


def _asked(gateway: Gateway, otlp: Receiver, path: str) -> str:
    """Ask for a path that holds something of a person; the route that its span names."""
    request_id = f"asked-{PERSONAL.index(path)}"
    gateway.request("GET", path, headers={"Authorization": f"Bearer {API_KEY}", "X-Request-ID": request_id})
    _, span = otlp.wait(trace_id(request_id), {"request"})["request"]
    return next(str(each.value.string_value) for each in span.attributes if each.key == "http.route")


def test_a_setting_that_the_library_refuses_costs_the_traces_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is recorded is done already: an error would let a stored webhook be refused, or Meta's answer be lost."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "a tenth")
    traces.begin("http://127.0.0.1:9", "web")

    for _ in range(2):
        traces.record("webhook", "an-id", 0.1, is_first=True)

    assert not traces.is_on()
    [told] = caplog.records
    assert told.getMessage() == "no traces are recorded: OpenTelemetry cannot be used"


def test_without_an_endpoint_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    traces.begin("", "web")
    monkeypatch.setattr(traces, "_make", lambda *_: pytest.fail("a tracer was made"))

    traces.record("webhook", "an-id", 0.1, is_first=True)

    assert not traces.is_on()
