"""A whole gateway with handlers: it answers, keeps its secrets to itself, and leaves no process behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import APP_SECRET, ONE_WEB, ROOT, Gateway, end_now, running
from tests.load.senders import post_all

CODE = """
import os

def register(on):
    @on.message
    def answer(message, client):
        client.reply(" ".join(sorted(os.environ)))
"""


def test_handlers_live_and_die_with_their_worker(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "bot.py").write_text(CODE)
    settings = {"HANDLERS": "bot", "PYTHONPATH": f"{ROOT}:{tmp_path / 'mine'}", "MY_OWN": "1"} | ONE_WEB
    maker = Maker(APP_SECRET, 7, timestamp=int(time.time()))

    with running(Gateway(tmp_path, settings)) as gateway:
        books = Books(gateway)
        wait_until(lambda: books.count("endpoints", "id = 'bot:answer'") == 1)
        wait_until(lambda: len(handlers(gateway)) == 1)
        post_all(gateway, [maker.one_text()])
        wait_until(lambda: books.count("messages", "direction = 'outbound'") == 1)
        (said,) = books.rows("SELECT message FROM messages WHERE direction = 'outbound'")[0]
        assert "MY_OWN" in said.split() and "PATH" in said.split()
        hidden = {"WHATSAPP_ACCESS_TOKEN", "WHATSAPP_APP_SECRET", "API_KEY", "ENCRYPTION_KEY", "DATABASE_URL"}
        assert not hidden & set(said.split())

        (before,) = handlers(gateway)
        for worker in gateway.job_workers():
            end_now(worker)
        wait_until(lambda: before not in handlers(gateway))
        wait_until(lambda: len(handlers(gateway)) == 1)  # the next worker's
        post_all(gateway, [maker.one_text()])
        wait_until(lambda: books.count("messages", "direction = 'outbound'") == 2)

        shown = json.loads(gateway.get("/api/endpoints").body)["data"]
        assert [(row["id"], row["state"]) for row in shown] == [("bot:answer", "active")]

        assert gateway.process is not None
        gateway.process.terminate()
        assert gateway.process.wait(40) == 0
        wait_until(lambda: not gateway.processes())


def handlers(gateway: Gateway) -> list[psutil.Process]:
    """The processes that run handlers."""
    return [process for process in gateway.processes() if any("app.handlers.child" in part for part in line(process))]


def line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def wait_until(holds: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
