"""Sends that are under way for as long as a slow Meta takes, and what became of them."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable

from simulator.server import SimulatorServer
from simulator.settings import BusinessNumber, MetaApp, SimulatorSettings
from simulator.testing import MetaStandIn
from tests.load.gateway import API_KEY, APP_SECRET, Answer, Gateway

QUEUED = 12
META_SECONDS = 6.0
TOKEN = "EAAdrill0123456789abcdef"


class SlowMeta:
    """A Meta that takes its time."""

    def __init__(self) -> None:
        app = MetaApp(app_secret=APP_SECRET, access_token=TOKEN, webhook_url="http://127.0.0.1:9/")
        self._server = SimulatorServer(
            SimulatorSettings(port=0, apps=(app,), numbers=(BusinessNumber("700100200300400"),), enforce_window=False)
        )

    def __enter__(self) -> MetaStandIn:
        self._server.start()
        meta = MetaStandIn(self._server)
        meta.add_fault("delay", seconds=META_SECONDS)
        return meta

    def __exit__(self, *_: object) -> None:
        self._server.stop()


def headers(content_type: str) -> dict[str, str]:
    """The admin key, and what kind a body is."""
    return {"Authorization": f"Bearer {API_KEY}", "Content-Type": content_type}


def bulk() -> bytes:
    """The body of a request that queues sends."""
    return json.dumps({"messages": [{"to": f"+3460000{each:04}", "message": "hi"} for each in range(QUEUED)]}).encode()


def send(gateway: Gateway, number: int) -> Answer:
    """Send to the customer with this number and wait for the answer."""
    body = json.dumps({"to": f"+3461000{number:04}", "message": "hi", "force": True}).encode()
    return gateway.request("POST", "/send/whatsapp", body, headers("application/json"), timeout=60)


def send_until_taken(gateway: Gateway, number: int, is_signalled: threading.Event) -> Answer:
    """On a machine that is busy with other tests a send may wait too long for its turn to be written."""
    while (answer := send(gateway, number)).status == 503 and not is_signalled.is_set():
        pass
    return answer


def calls(meta: MetaStandIn) -> int:
    """How many sends have come to Meta, which is about to answer them."""
    return sum(rule["happened"] for rule in meta.simulator.world.faults.to_json())


def begun(gateway: Gateway) -> int:
    """How many sends have left for Meta, most of which have no answer yet."""
    found = states(gateway)
    return found.get("sending", 0) + found.get("accepted", 0)


def states(gateway: Gateway) -> dict[str, int]:
    """What every send came to, from the file itself: nothing serves any more."""
    connection = sqlite3.connect(gateway.directory / "whatsapp.db", timeout=10)
    try:
        return dict(connection.execute("SELECT status, count(*) FROM messages GROUP BY status").fetchall())
    finally:
        connection.close()


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Return as soon as it is so."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)
