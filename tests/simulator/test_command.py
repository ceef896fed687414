from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest
import requests
import responses

from simulator.__main__ import another_gateway, main
from simulator.faults.rules import Fault
from simulator.options import add_options, settings_of
from simulator.server import SimulatorServer
from simulator.settings import SimulatorSettings
from tests.load.in_flight import wait_for
from tests.simulator.conftest import ANA, NUMBER
from tests.simulator.receiver import Receiver


@pytest.fixture
def server(settings: SimulatorSettings) -> Iterator[SimulatorServer]:
    server = SimulatorServer(replace(settings, port=0))
    server.start()
    yield server
    server.stop()


def test_say_prints_what_the_business_answers(
    server: SimulatorServer, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    answering = _answer_when_written_to(server, receiver)

    status = main(["say", "Hola", "--url", server.url])

    answering.join()
    assert (status, capsys.readouterr().out) == (0, "Buenas\n")


def test_say_tells_when_no_answer_came(server: SimulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["say", "Hola", "--url", server.url, "--wait", "0.1"])

    assert status == 1
    assert "No answer within 0.1 seconds" in capsys.readouterr().err


def test_say_tells_when_there_is_no_simulator(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["say", "Hola", "--url", "http://127.0.0.1:9"])

    assert status == 2
    said = capsys.readouterr().err
    assert said.startswith("Nothing answers at http://127.0.0.1:9. ")
    assert "./run.sh" in said and "--url" in said


def test_say_tells_a_simulator_from_another_program(receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    base = receiver.url.removesuffix("/webhook/whatsapp")

    status = main(["say", "Hola", "--url", base])

    assert status == 2
    assert capsys.readouterr().err.startswith(f"What answers at {base} is no simulator.")


@pytest.mark.parametrize(("status", "remedy"), [(401, "API_KEY must hold"), (403, "scope admin"), (404, "to Meta")])
def test_say_goes_through_another_gateway_with_its_key(
    status: int, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with responses.RequestsMock() as gateway:
        asked = gateway.get("https://gateway.example/simulator/api/world", status=status)
        code = main(["say", "Hola"], elsewhere=("https://gateway.example", "wsk-ours"))

    assert (code, remedy in capsys.readouterr().err) == (2, True)
    assert asked.calls[0].request.headers["Authorization"] == "Bearer wsk-ours"


def test_say_gives_the_key_to_no_other_address() -> None:
    with responses.RequestsMock() as other:
        asked = other.get("http://127.0.0.1:9/simulator/api/world", status=500)
        main(["say", "Hola", "--url", "http://127.0.0.1:9"], elsewhere=("https://gateway.example", "wsk-ours"))

    assert "Authorization" not in asked.calls[0].request.headers


def test_another_gateway_is_named_by_the_environment_with_its_own_key() -> None:
    assert another_gateway({"GATEWAY_URL": "https://gateway.example", "API_KEY": "wsk"}) == (
        "https://gateway.example", "wsk",
    )  # fmt: skip
    assert another_gateway({"API_KEY": "wsk"}) == ("", "")


def test_say_shows_what_the_simulator_refuses(server: SimulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["say", "Hola", "--from", "Ana", "--url", server.url])

    assert status == 2
    assert capsys.readouterr().err.startswith(f"The simulator at {server.url} refused (404): ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_within_two_seconds_even_while_a_page_waits(receiver: Receiver, number: signal.Signals) -> None:
    process, url = _started(receiver)
    chat = f"{url}/simulator/api/chats/{NUMBER}/{ANA}"
    page = subprocess.Popen(
        [sys.executable, "-c", f"import urllib.request as u; u.urlopen('{chat}?after=0&wait=20')"],
        stderr=subprocess.DEVNULL,
    )
    served = psutil.Process(process.pid)
    wait_for(lambda: any(each.status == psutil.CONN_ESTABLISHED for each in served.net_connections()))
    began = time.monotonic()

    process.send_signal(number)

    assert process.wait(timeout=5) == 0
    assert time.monotonic() - began < 2
    page.wait(timeout=5)


def test_it_ends_when_the_process_that_started_it_is_gone(receiver: Receiver) -> None:
    code = (
        "import subprocess, sys; "
        "p = subprocess.Popen([sys.executable, '-m', 'simulator', '--port', '0'], stdin=subprocess.DEVNULL); "
        "print(p.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as parent:
        assert parent.stdin is not None and parent.stdout is not None and parent.stderr is not None
        pid = int(parent.stdout.readline())
        assert "http" in parent.stderr.readline()  # the simulator's: it listens, and so it knows its parent

        parent.stdin.close()
        parent.wait(timeout=10)

        assert _is_gone(pid, within=30.0)


def test_the_environment_gives_the_defaults_but_never_the_real_token(receiver: Receiver) -> None:
    process, url = _started(receiver, WHATSAPP_PHONE_NUMBER_ID="123", WHATSAPP_ACCESS_TOKEN="a real one")

    headers = {"Authorization": "Bearer EAAsimulated"}
    answer = requests.post(f"{url}/v26.0/123/messages", json={}, headers=headers, timeout=5)

    process.terminate()
    process.wait(timeout=5)
    assert answer.json()["error"]["message"] == "(#100) The parameter messaging_product is required."


def _answer_when_written_to(server: SimulatorServer, receiver: Receiver) -> threading.Thread:
    def answer() -> None:
        receiver.wait(receiver.messages, 1)
        body = {"messaging_product": "whatsapp", "to": f"+{ANA}", "type": "text", "text": {"body": "Buenas"}}
        headers = {"Authorization": "Bearer EAAsimulated"}
        requests.post(f"{server.url}/v26.0/{NUMBER}/messages", json=body, headers=headers, timeout=5)

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def _started(receiver: Receiver, **environment: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", "--webhook-url", receiver.url],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    process.stderr.close()
    return process, line.rpartition(" ")[2].strip()


def _is_gone(pid: int, within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


def test_the_options_make_the_settings() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)

    settings = settings_of(
        parser.parse_args(
            ["--number", "701:901:15550100200", "--fault", "cut share=0.5", "--test-recipient", "+541112345678"]
            + ["--open-window", "--messages-per-second", "0", "--allowed-hosts", "simulator,meta"]
        )
    )

    assert [number.phone_number_id for number in settings.numbers] == [NUMBER, "701"]
    assert settings.faults == (Fault("cut", share=0.5),)
    assert settings.allowed_recipients == ("+541112345678",)
    assert (settings.enforce_window, settings.pace.messages_per_second) == (False, 0)
    assert settings.allowed_hosts == ("simulator", "meta")


@pytest.mark.parametrize("options", [["--fault", "earthquake"], ["--number", "701"], ["--number", "a:b:c"]])
def test_an_option_that_cannot_be_ends_with_usage(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)

    assert ended.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_a_prefix_of_the_gateway_is_in_the_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "/gateway/")
    monkeypatch.setenv("PORT", "9000")
    parser = argparse.ArgumentParser()
    add_options(parser)

    settings = settings_of(parser.parse_args([]))

    assert settings.apps[0].webhook_url == "http://127.0.0.1:9000/gateway/webhook/whatsapp"
