"""Who gets a process, and when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.handlers.pool import HandlerPool, HandlerResult
from tests.bots import new_pool

EVENT = b'{"id":"e1","type":"message.received","data":{}}'
CODE = """
import time
def register(on):
    @on.message
    def hang(message, client):
        client.reply("I hang")
        time.sleep(600)
    @on.message
    def answer(message, client): ...
"""


def run(pool: HandlerPool, name: str, asked: Callable[[object], object] = lambda told: None) -> HandlerResult:
    return pool.run(f"bot:{name}", EVENT, asked, is_replay=False)


def test_one_that_hangs_leaves_a_process_for_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("app.handlers.pool.LAST_CALLS_SECONDS", 0.1)
    pool = new_pool(tmp_path, CODE, processes=3, seconds=600)
    pool.load()
    asked: list[object] = []
    ended: list[HandlerResult] = []
    threads = [threading.Thread(target=lambda: ended.append(run(pool, "hang", asked.append))) for _ in range(4)]

    for thread in threads:
        thread.start()
    until = time.monotonic() + 20
    while len(asked) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    outcomes = [run(pool, "answer") for _ in range(3)]

    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert len(asked) == 2
    pool.begin_stop()
    for thread in threads:
        thread.join(20)
    pool.close()
    assert [outcome.was_attempted for outcome in ended] == [False] * 4


def test_it_calls_nothing_that_is_not_loaded_and_loads_at_growing_intervals(tmp_path: Path) -> None:
    pool = new_pool(tmp_path, "1 / 0")

    assert not pool.serves("bot:answer")
    assert not run(pool, "answer").was_attempted
    with pytest.raises(Exception, match="raised ZeroDivisionError"):
        pool.load()
    assert pool.load() is False  # not yet again
    assert pool.handlers is None
