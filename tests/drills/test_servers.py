"""The same app under other WSGI servers, at the root and under a prefix: a webhook in, a message out, health."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.drills.conftest import some_of
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import APP_SECRET, GUNICORN, Gateway, running
from tests.load.senders import post_all

PREFIX = "/gateway"
UWSGI = (
    "uwsgi", "--http-socket=127.0.0.1:{port}", "--master", "--processes=1", "--threads=4", "--enable-threads",
    "--need-app", "--disable-logging", "--hook-master-start=unix_signal:15 gracefully_kill_them_all",
    "--add-header=Connection: close",  # which it does, and does not say
)  # fmt: skip
WAITRESS = ("waitress-serve", "--listen=127.0.0.1:{port}", "--threads=4")
MOUNTED = (*GUNICORN[:-1], "tests.load.mounted:app")

SERVERS: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "gunicorn gthread": (GUNICORN, {"WEB_WORKER_CLASS": "gthread"}, ""),
    "gunicorn gthread under a prefix": (GUNICORN, {"WEB_WORKER_CLASS": "gthread", "SCRIPT_NAME": PREFIX}, PREFIX),
    "gunicorn sync": (GUNICORN, {"WEB_WORKER_CLASS": "sync"}, ""),
    "gunicorn gevent, mounted beside others": (MOUNTED, {}, PREFIX),
    "uWSGI": ((*UWSGI, "--module=wsgi:app"), {}, ""),
    "uWSGI under a prefix": ((*UWSGI, f"--mount={PREFIX}=wsgi:app", "--manage-script-name"), {}, PREFIX),
    "waitress": ((*WAITRESS, "wsgi:app"), {}, ""),
    "waitress under a prefix": ((*WAITRESS, f"--url-prefix={PREFIX}", "wsgi:app"), {}, PREFIX),
}
SERVERS = some_of(SERVERS, "gunicorn gthread", "uWSGI under a prefix", "waitress")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Gateway]]:
    """All of them at once, on one database, with one worker beside them."""
    directory = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        gateways = {}
        for server, (command, extra, prefix) in SERVERS.items():
            usual = {"WORKER": "external", "WEB_CONCURRENCY": "1"}
            gateways[server] = Gateway(directory, {**usual, **extra}, command, path_prefix=prefix)
        first = next(iter(gateways.values()))
        for gateway in gateways.values():
            stack.enter_context(running(gateway, ready=False))
        first.start_worker()
        yield gateways


@pytest.mark.parametrize("server", SERVERS)
def test_a_webhook_goes_in_and_its_message_comes_out(serving: dict[str, Gateway], server: str) -> None:
    gateway = serving[server]
    posted = list(Maker(APP_SECRET, list(SERVERS).index(server)).mixed(24))
    gateway.wait_ready()

    acks = post_all(gateway, posted)
    Books(gateway).wait_settled()
    page = gateway.get("/api/messages?limit=500").json()
    health = gateway.request("GET", "/healthz")
    stranger = gateway.request("GET", "/api/messages")

    assert len(acks.acknowledged) == len(posted) and acks.refused == {}
    assert acks.messages <= {message["message_id"] for message in page["data"]}
    assert health.status == 200
    assert stranger.status == 401
