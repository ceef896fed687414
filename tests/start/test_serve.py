from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from app.start import preflight, serve

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process goes on with its own handlers, arguments and console."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    monkeypatch.setattr(serve.console, "install", lambda: None)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_what_env_says_is_for_the_gateway_and_not_for_gunicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_env() -> int:
        os.environ["GUNICORN_CMD_ARGS"] = "--workers 3"
        return 0

    told: list[str | None] = []
    monkeypatch.setattr(preflight, "main", read_env)
    monkeypatch.setattr("gunicorn.app.wsgiapp.run", lambda **_: told.append(os.environ.get("GUNICORN_CMD_ARGS")))

    serve.main()

    assert told == [None]


def test_where_something_is_wrong_nothing_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "main", lambda: 2)
    monkeypatch.setattr("gunicorn.app.wsgiapp.run", lambda **_: pytest.fail("it serves"))

    with pytest.raises(SystemExit) as ended:
        serve.main()

    assert ended.value.code == 2
