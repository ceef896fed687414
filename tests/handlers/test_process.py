"""A process of the user's may do whatever it likes: the gateway hears how it ended, and goes on."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.domain.handlers import Handler
from app.errors import Invalid
from app.handlers.environment import without_secrets
from app.handlers.process import CannotLoad, HandlerProcess, HandlerResult
from tests.bots import MODULE, write_bot

Start = Callable[[str], HandlerProcess]
EVENT = json.dumps({"id": "e1", "type": "message.received", "data": {"message": "Hola"}}).encode()

LINES = """
import os, socket, stat
def lines():
    for fd in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode): yield fd
        except OSError: pass
"""
"""Finds the line to the gateway, as no honest handler would."""


def call(process: HandlerProcess, handler: str = "bot:answer", seconds: float = 20, act: Any = None) -> HandlerResult:
    until = time.monotonic() + seconds
    return process.call(handler, EVENT, act or (lambda told: None), lambda: until, is_replay=False)


def answering(body: str) -> str:
    """A module whose one handler has this body."""
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return (
        "import ctypes, os, signal, subprocess, sys, threading, time\n"
        f"def register(on):\n    @on.message\n    def answer(message, client):\n{lines}\n"
    )


def test_it_tells_what_the_module_registers(start: Start) -> None:
    process = start(
        """
        def register(on):
            @on.message(type=["text", "button"], max_age=60)
            def answer(message, client): ...
            @on.status(status="failed", max_age=None, name="failures")
            def note(report, client): ...
            @on.event("account.*", "call")
            def look(event, client): ...
            @on.event("*")
            def everything(event, client): ...
        """
    )

    assert process.handlers == (
        Handler("bot:answer", ("message.received",), ("text", "button"), None, 60),
        Handler("bot:failures", ("message.status",), None, ("failed",), None),
        Handler("bot:look", ("account.*", "call"), None, None, 900),
        Handler("bot:everything", None, None, None, 900),
    )


def test_a_handler_gets_the_message_and_what_it_asks_for_is_done(start: Start) -> None:
    asked: list[Any] = []

    def act(told: Any) -> Any:
        asked.append(told)
        return {"id": f"m{len(asked)}"}

    process = start(
        answering(
            'first = client.reply(message["message"] + "!")\n'
            'client.send_image_message("+34600111222", "https://example.com/a.png", "look", reply_to=first["id"])\n'
            "client.mark_read()\n"
            'client.show_typing("m9")'
        )
    )

    assert call(process, act=act) == HandlerResult(None)
    assert [(each["what"], each.get("n")) for each in asked] == [
        ("send", 1), ("send", 2), ("mark_read", None), ("show_typing", None),
    ]  # fmt: skip
    assert asked[0]["body"] == {"type": "text", "text": {"body": "Hola!"}}
    assert asked[1]["body"] == {
        "to": "+34600111222", "type": "image", "reply_to": "m1",
        "image": {"link": "https://example.com/a.png", "caption": "look"},
    }  # fmt: skip
    assert asked[3]["message_id"] == "m9"


def test_a_refusal_is_an_error_that_can_be_caught_and_the_next_try_has_the_same_place(start: Start) -> None:
    places = []

    def act(told: Any) -> Any:
        places.append(told["n"])
        if len(places) == 1:
            raise Invalid(fields={"to": ["is required"]})
        return {"id": "m1"}

    process = start(
        answering(
            "try:\n"
            "    client.send({})\n"
            "except client.Error as error:\n"
            '    assert (error.code, error.fields) == ("invalid_request", {"to": ["is required"]}), error\n'
            'client.reply("a")\nclient.reply("b")'
        )
    )

    assert call(process, act=act) == HandlerResult(None)
    assert places == [1, 1, 2]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise ValueError('secret text')", "raised ValueError at "),
        ("sys.exit(3)", "raised SystemExit at "),
        ("client.send({'to': {1, 2}})", "raised TypeError at "),
        ("client.send({'to': float('nan')})", "raised ValueError at "),
    ],
)
def test_one_that_raises_fails_and_can_be_called_again(start: Start, body: str, reason: str) -> None:
    process = start(answering(body))

    for _ in range(2):
        called = call(process)
        assert called.error is not None and called.error.startswith(reason)
        assert called.error.endswith("in answer")
        assert "secret text" not in called.error
    assert process.is_alive
    assert body in called.traceback


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("os._exit(0)", "the process ended with 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "the process was ended by signal 9"),
        ("ctypes.string_at(0)", "the process was ended by signal 11"),
        ("os.closerange(3, 100)\ntime.sleep(60)", "it took too long and was killed"),
        ("[socket.socket(fileno=f).shutdown(2) for f in lines()]; time.sleep(9)", "the process was ended by signal 9"),
        ("time.sleep(60)", "it took too long and was killed"),
        ("while True: pass", "it took too long and was killed"),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)", "it took too long and was killed"),
        ("[os.write(fd, b'x' * 100) for fd in lines()]", "it said more than it may"),
        ("[os.write(fd, b'\\0\\0\\0\\x03abc') for fd in lines()]", "it said something that makes no sense"),
        ("[os.write(fd, b'\\0\\0\\0\\x02{}') for fd in lines()]", "it said something that makes no sense"),
    ],
)
def test_one_that_dies_hangs_or_talks_nonsense_is_ended_and_told_of(start: Start, body: str, reason: str) -> None:
    process = start(LINES + answering(body))

    called = call(process, seconds=0.7 if "took too long" in reason else 20)

    assert called == HandlerResult(reason)
    assert not process.is_alive


def test_what_it_prints_and_what_it_forks_does_not_matter(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    process = start(
        "print('noise' * 10_000)\n"
        + answering(
            "print('noise' * 10_000)\nos.write(1, b'more noise')\nsys.stdout.close()\n"
            "child = os.fork()\n"
            "if child == 0: client.reply('from the fork')\n"
            "os.waitpid(child, 0)\n"
            "child = os.fork()\n"
            "if child: os.waitpid(child, 0)"  # the child returns into our loop
        )
    )
    asked: list[Any] = []

    assert call(process, act=asked.append) == HandlerResult(None)
    assert asked == []
    assert process.is_alive
    out, err = capfd.readouterr()
    assert "more noise" in err and out == ""


def test_what_it_started_ends_with_it(start: Start, tmp_path: Path) -> None:
    process = start(
        answering(
            "helper = subprocess.Popen(['sleep', '600'])\nopen('pid', 'w').write(str(helper.pid))\ntime.sleep(60)"
        )
    )

    assert call(process, seconds=1.5).error is not None
    process.close()

    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_running(pid))


def test_a_thread_that_outlives_the_call_can_ask_for_nothing(start: Start) -> None:
    process = start(
        "late = []\n"
        + answering(
            "def later():\n"
            "    time.sleep(0.1)\n"
            "    try: client.reply('late')\n"
            "    except client.Error as error: late.append(error.code)\n"
            "if late: raise RuntimeError(late[0])\n"
            "threading.Thread(target=later).start()"
        )
    )
    asked: list[Any] = []
    assert call(process, act=asked.append) == HandlerResult(None)

    wait_until(lambda: call(process, act=asked.append).error is not None)

    assert asked == []


def test_it_ends_when_the_gateway_is_gone_even_in_the_middle_of_a_call(start: Start, tmp_path: Path) -> None:
    process = start(answering("open('began', 'w').close()\ntime.sleep(600)"))
    threading.Thread(target=call, args=(process,)).start()
    wait_until((tmp_path / "began").exists)
    process._line.shutdown(socket.SHUT_RDWR)

    assert process._process.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_thing", "raised ModuleNotFoundError: No module named 'no_such_thing'"),
        ("def register(on:", "raised SyntaxError"),
        ("x = 1", "raised Mistake: bot has no function register(on)"),
        ("raise ValueError('a secret')", "raised ValueError at "),
        ("import os; os._exit(4)", "while it was loaded, the process ended with 4"),
        ("def register(on):\n on.message(max_age=0)", "raised Mistake: max_age is"),
    ],
)
def test_a_module_that_cannot_be_loaded_says_why_and_quotes_nothing(start: Start, code: str, reason: str) -> None:
    with pytest.raises(CannotLoad) as caught:
        start(code)

    assert caught.value.reason.startswith(reason)
    assert "a secret" not in caught.value.reason


def test_a_stop_does_not_wait_for_a_module_that_is_slow_to_load(tmp_path: Path) -> None:
    environ = write_bot(tmp_path, "import time\ntime.sleep(600)")
    asked_until = time.monotonic() + 0.5

    with pytest.raises(CannotLoad):
        HandlerProcess(MODULE, environ, lambda: time.monotonic() > asked_until)

    assert time.monotonic() < asked_until + 5


def test_one_that_does_not_end_by_itself_is_ended(start: Start) -> None:
    process = start(answering("pass") + "threading.Thread(target=time.sleep, args=(600,)).start()")
    process._line.close()

    assert process._process.wait(10) == -signal.SIGKILL


def test_it_sees_the_users_environment_and_none_of_our_secrets() -> None:
    environ = {
        "PATH": "/bin", "MY_BOT_KEY": "1", "WHATSAPP_ACCESS_TOKEN": "t", "API_KEY_FILE": "f", "DATABASE_URL": "d",
        "ENCRYPTION_KEY": "e", "PORT": "8000", "PARENT_PID": "1",
    }  # fmt: skip

    assert without_secrets(environ) == {"PATH": "/bin", "MY_BOT_KEY": "1", "PORT": "8000"}


def test_a_package_of_the_users_may_have_the_name_of_ours(start: Start, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("mine = True")

    process = start("from app import mine\n" + answering("pass"))

    assert call(process) == HandlerResult(None)


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    started: list[HandlerProcess] = []
    monkeypatch.chdir(tmp_path)

    def start_(code: str) -> HandlerProcess:
        started.append(HandlerProcess(MODULE, write_bot(tmp_path, code)))
        return started[-1]

    yield start_
    for process in started:
        process.close()
