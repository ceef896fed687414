"""One table: the same requests have the same answers under every WSGI host, at the root and below a prefix.

With every test run the two hosts that differ most. All of them:
`DRILL=long .venv/bin/pytest tests/deploy/test_hosts.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.deploy.hosts import HOSTS
from tests.deploy.test_proxies import chunked
from tests.drills.conftest import IS_LONG, database_of
from tests.load.bodies import dump, sign
from tests.load.gateway import API_KEY, APP_SECRET, Answer, Gateway
from tests.load.in_flight import wait_for

PREFIX = "/gateway"
HOLA = "Hola ñ €"
KEY = {"Authorization": f"Bearer {API_KEY}"}
JSON = {"Content-Type": "application/json"}
FIVE_MEBIBYTES = b" " * (5 * 1024 * 1024)
SHORT = [("mod_wsgi", PREFIX), ("Passenger", "")]
CASES = [(host, prefix) for host in HOSTS for prefix in ("", PREFIX)] if IS_LONG else SHORT


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that Apache's user can walk into and write to."""
    made = Path(tempfile.mkdtemp(prefix="hosts-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def worker(folder: Path) -> Iterator[Gateway]:
    """One database for all hosts, migrated, with one worker."""
    with database_of("postgresql") as url:
        first = Gateway(folder, {"WORKER": "external"}, database_url=url)
        first.start_worker()
        try:
            yield first
        finally:
            first.kill()


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}{' below a prefix' if case[1] else ''}")
def gateway(request: pytest.FixtureRequest, folder: Path, worker: Gateway) -> Iterator[Gateway]:
    """The gateway under one host; a test's name says which."""
    host, prefix = request.param
    own = Path(tempfile.mkdtemp(dir=folder))
    own.chmod(0o777)
    extra = {"WORKER": "external", "WEB_CONCURRENCY": "2", "LOG_DIR": f"{own}/logs-of-the-host"}
    served = Gateway(own, extra, database_url=worker.database_url, path_prefix=prefix)
    before = os.umask(0)
    try:
        with HOSTS[host](served):
            served.wait_ready(120)
            yield served
    finally:
        os.umask(before)


def post(gateway: Gateway, path: str, body: bytes, headers: dict[str, str], *, in_chunks: bool = False) -> Answer:
    if not in_chunks:
        return gateway.request("POST", path, body, headers, timeout=30)
    whole = chunked(body) + b"0\r\n\r\n"
    return gateway.request("POST", path, whole, {**headers, "Transfer-Encoding": "chunked"}, timeout=30)


def signed(body: bytes) -> dict[str, str]:
    return JSON | {"X-Hub-Signature-256": sign(body, APP_SECRET)}


def code(answer: Answer) -> tuple[int, str]:
    """An error's status and code."""
    return answer.status, answer.json()["error"]["code"]


def message(wamid: str) -> bytes:
    """A webhook with one text."""
    metadata = {"display_phone_number": "15550100100", "phone_number_id": "700100200300400"}
    text = {"from": "5491155550100", "id": wamid, "timestamp": "1795500000", "type": "text", "text": {"body": HOLA}}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "messages": [text]}
    changes = [{"field": "messages", "value": value}]
    return dump({"object": "whatsapp_business_account", "entry": [{"id": "900100200300400", "changes": changes}]})


def webhook(gateway: Gateway) -> Any:
    body = message(f"wamid.webhook{time.monotonic_ns()}")
    stranger = post(gateway, "/webhook/whatsapp", body, JSON)
    answer = post(gateway, "/webhook/whatsapp", body, signed(body))
    return code(stranger), answer.status, answer.json()


def chunked_webhook(gateway: Gateway) -> Any:
    body = message(f"wamid.chunks{time.monotonic_ns()}") + b" " * 300_000
    answer = post(gateway, "/webhook/whatsapp", body, signed(body), in_chunks=True)
    return answer.status, answer.json()


def call_with_key(gateway: Gateway) -> Any:
    with_key, without = gateway.get("/api/messages?limit=1"), gateway.request("GET", "/api/messages?limit=1")
    wrong = gateway.request("GET", "/api/messages", headers={"Authorization": "Bearer of-nobody"})
    return with_key.status, sorted(with_key.json()), code(without), code(wrong)


def chunked_call(gateway: Gateway) -> Any:
    """A body that is read to its end, and found wanting."""
    body = json.dumps({"to": "+5491155550100", "message": "ñ" * 100_000}).encode()
    answer = post(gateway, "/send/whatsapp", body, KEY | JSON, in_chunks=True)
    return *code(answer), sorted(answer.json()["error"]["fields"])


def odd_id(gateway: Gateway) -> Any:
    wamid = f"wamid.HBg/a//b+{time.monotonic_ns()}=="
    body = message(wamid)
    assert post(gateway, "/webhook/whatsapp", body, signed(body)).status == 200
    path = f"/api/messages/{quote(wamid, safe='')}"
    wait_for(lambda: gateway.get(path).status != 404, 30)
    found, timeline = gateway.get(path).json(), gateway.get(f"{path}/timeline")
    return found["message_id"] == wamid, found["message"], timeline.status


def too_large(gateway: Gateway) -> Any:
    headers = signed(FIVE_MEBIBYTES)
    whole = code(post(gateway, "/webhook/whatsapp", FIVE_MEBIBYTES, headers))
    return whole, code(post(gateway, "/webhook/whatsapp", FIVE_MEBIBYTES, headers, in_chunks=True))


def long_poll(gateway: Gateway) -> Any:
    """It waits, and nobody else does."""
    answers: list[Answer] = []
    newest = gateway.get("/api/events?after=newest").json()["next_cursor"]
    path = f"/api/events?after={newest}&wait=2"
    started = time.monotonic()
    waiting = threading.Thread(target=lambda: answers.append(gateway.get(path, timeout=30)))
    waiting.start()
    health = gateway.request("GET", "/healthz")
    is_quick = time.monotonic() - started < 2
    waiting.join(30)
    (answer,) = answers
    return health.status, is_quick, answer.status, answer.json()["data"], time.monotonic() - started >= 2


OK = {"status": "ok"}
TABLE: dict[str, tuple[Callable[[Gateway], Any], Any]] = {
    "a signed webhook": (webhook, ((401, "unauthenticated"), 200, OK)),
    "a webhook in chunks": (chunked_webhook, (200, OK)),
    "a call with a key": (
        call_with_key, (200, ["data", "next_cursor"], (401, "unauthenticated"), (401, "unauthenticated"))),
    "a call in chunks": (chunked_call, (422, "invalid_request", ["message"])),
    "an id with slashes": (odd_id, (True, HOLA, 200)),
    "a body of 5 MiB": (too_large, ((413, "too_large"), (413, "too_large"))),
    "a long poll": (long_poll, (200, True, 200, [], True)),
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE)
def test_the_answer_is_the_same_everywhere(gateway: Gateway, row: str) -> None:
    ask, expected = TABLE[row]

    assert ask(gateway) == expected
