from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from simulator.scenarios.figures import Latency
from simulator.scenarios.target import NotATarget, check_address
from tests.load.gateway import API_KEY, APP_SECRET, Gateway, running

FIRST_RUN = {
    "WHATSAPP_ACCESS_TOKEN": "",
    "WHATSAPP_APP_SECRET": "",
    "SIMULATOR": "1",
    "SIMULATOR_APP_SECRET": APP_SECRET,
    "WEB_CONCURRENCY": "1",
}
OUTAGE = ("outage", "--minutes", "0.067", "--rate", "20", "--longest-pause", "1")
OUTSIDE = "https://gateway.example/webhook/whatsapp"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A whole gateway as on its first day: embedded worker, simulator and echo bot."""
    ours = Gateway(tmp_path_factory.mktemp("gateway"))
    ours.extra = FIRST_RUN | {"GRAPH_API_URL": f"http://127.0.0.1:{ours.port + 1}"}
    with running(ours):
        yield ours


def test_a_burst_tells_what_was_answered_kept_and_normalised(gateway: Gateway) -> None:
    done = simulate(gateway, "burst", "--rate", "100", "--seconds", "1")

    assert "sent        100 webhooks, 100 items" in done.stdout
    assert "answered    100 with 200" in done.stdout
    assert "normalised  100 of the 100 items answered 200, each once" in done.stdout
    assert "books       they balance" in done.stdout
    assert done.returncode == 0 and "Every promise was kept." in done.stdout, done.stdout + done.stderr


def test_a_batch_brings_many_items_of_several_numbers(gateway: Gateway) -> None:
    done = simulate(gateway, "batch", "--posts", "2", "--items", "100", "--several", "3", "--rate", "10")

    assert "sent        2 webhooks, 200 items" in done.stdout
    assert "normalised  200 of the 200 items answered 200, each once" in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_conversation_waits_for_the_bots_answers(gateway: Gateway) -> None:
    done = simulate(gateway, "conversation", "--times", "2")

    assert "written     2 messages\nanswered    2\n" in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_conversation_without_a_bot_breaks_a_promise(gateway: Gateway) -> None:
    done = simulate(gateway, "conversation", "--times", "1", "--wait", "0.1", "--from", "15557")

    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "Broken: answered.")


def test_a_wrong_secret_breaks_a_promise(gateway: Gateway) -> None:
    target = f"{gateway.url}/webhook/whatsapp"

    done = simulate(gateway, "burst", "--rate", "50", "--seconds", "0.2", "--target", target, "--app-secret", "wrong")

    assert "answered    10 with 401" in done.stdout
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "Broken: answered.")


def test_an_outage_loses_nothing_and_doubles_nothing(gateway: Gateway) -> None:
    done: list[subprocess.CompletedProcess[str]] = []
    outage = threading.Thread(target=lambda: done.append(simulate(gateway, *OUTAGE)))
    seen = events(gateway, after="newest")["next_cursor"]
    outage.start()
    assert events(gateway, after=seen, wait="25")["data"]  # it has begun

    assert gateway.process is not None
    gateway.process.terminate()
    gateway.process.wait(30)
    gateway.start()
    outage.join(timeout=60)

    assert "normalised  80 of the 80 items answered 200, each once" in done[0].stdout
    assert "never away" not in done[0].stdout
    assert done[0].returncode == 0, done[0].stdout + done[0].stderr


def events(gateway: Gateway, **query: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    response = requests.get(f"{gateway.url}/api/events", params=query, headers=headers, timeout=30)
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def test_nothing_leaves_this_machine_unless_somebody_owns_the_target(gateway: Gateway) -> None:
    done = simulate(gateway, "burst", "--target", OUTSIDE, "--app-secret", "secret")

    assert done.returncode == 2
    assert "--i-own-this-target" in done.stderr


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/x", "http://localhost/x", "http://[::1]:8000/x", "http://127.9.9.9/x"]
)
def test_this_machine_is_a_target(url: str) -> None:
    assert check_address(url, is_own=False) == url


@pytest.mark.parametrize(
    "url",
    [
        OUTSIDE,
        "http://10.0.0.1/x",
        "http://localhost.example/x",
        "http://127.0.0.1@gateway.example/x",
        "http://0x7f000001/x",
        "ftp://127.0.0.1/x",
        "http:///x",
        "http://127.0.0.1:99999/x",
    ],
)
def test_anything_else_is_no_target(url: str) -> None:
    with pytest.raises(NotATarget):
        check_address(url, is_own=False)


def test_an_owned_target_may_be_anywhere() -> None:
    assert check_address(OUTSIDE, is_own=True) == OUTSIDE


@pytest.mark.parametrize(
    ("milliseconds", "is_within"),
    [([250.0] * 100, True), ([251.0] * 100, False), ([5.0] * 99 + [1001.0], False), ([5.0] * 100 + [1001.0], True)],
)
def test_metas_bar_is_a_median_and_a_share(milliseconds: list[float], is_within: bool) -> None:
    assert Latency.of(milliseconds).is_within_bar is is_within


def simulate(gateway: Gateway, *arguments: str) -> subprocess.CompletedProcess[str]:
    return gateway.flask("simulate", *arguments, seconds=60)
