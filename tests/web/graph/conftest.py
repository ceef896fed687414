"""The gateway as a server on a real port, with the simulator in Meta's place, for clients that nobody here wrote."""

from __future__ import annotations

import dataclasses
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from app import create_app
from app.config.settings import Config
from app.container import Gateway
from app.services.registries.numbers import NumberDirectory
from simulator.settings import BusinessNumber, SimulatorSettings
from simulator.testing import QUICK, MetaStandIn, make_meta
from tests.factories import DISPLAY, OTHER_PNID, OTHER_WABA, PNID, WABA

__all__ = ["make_meta"]


@dataclasses.dataclass
class Seen:
    """What reached the simulator: address, headers and body of each request."""

    everything: list[bytes] = dataclasses.field(default_factory=list)

    def holds(self, secret: str) -> bool:
        """Whether anything that came has this in it."""
        return any(secret.encode() in each for each in self.everything)


@pytest.fixture
def database_url(tmp_path: Path, migrated_sqlite: Path) -> str:
    """A file: what is tested here is no database."""
    (tmp_path / "whatsapp.db").write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{tmp_path}/whatsapp.db"


@pytest.fixture
def meta(make_meta: Callable[[SimulatorSettings], MetaStandIn]) -> MetaStandIn:
    """A Meta with two numbers of two accounts, where windows are open."""
    numbers = (BusinessNumber(PNID, WABA, DISPLAY), BusinessNumber(OTHER_PNID, OTHER_WABA, "15550100199"))
    return make_meta(SimulatorSettings(port=0, pace=QUICK, seed=1, numbers=numbers, enforce_window=False))


@pytest.fixture
def seen(meta: MetaStandIn) -> Seen:
    """Whatever the simulator is sent from now on."""
    seen, server = Seen(), meta._server._server
    simulator = server.application

    def note(environ: dict[str, Any], start_response: Any) -> Any:
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        texts = [f"{name}: {value}" for name, value in environ.items() if isinstance(value, str)]
        seen.everything.append("\n".join(texts).encode() + b"\n" + body)
        return simulator(environ, start_response)

    server.application = note
    return seen


@pytest.fixture
def app(config: Config, meta: MetaStandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The gateway, with the simulator as its Graph and both of its numbers."""
    monkeypatch.setattr(NumberDirectory, "_keep_fresh", lambda directory: None)
    monkeypatch.setattr("app.services.registries.versions.VERSION_LIFETIME_SECONDS", 0.0)
    changes = {"graph_api_url": meta.url, "whatsapp_access_token": "EAAsimulated"}
    app = create_app(dataclasses.replace(config, **changes))
    yield app
    app.extensions["gateway"].database.dispose()


@pytest.fixture
def app_without_meta(config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The gateway alone, for tests that answer in Graph's place themselves."""
    monkeypatch.setattr(NumberDirectory, "_keep_fresh", lambda directory: None)
    app = create_app(config)
    yield app
    app.extensions["gateway"].database.dispose()


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """The gateway's address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def key(gateway: Gateway) -> str:
    """A key that sends and reads for the first number."""
    return gateway.api_keys.make("sdk", ["send", "read"], [PNID])
