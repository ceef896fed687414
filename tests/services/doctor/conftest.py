"""A gateway beside a simulated Meta, with a public address in front whose habits a test chooses."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from app import create_app
from app.config.settings import Config, load_config
from app.container import Gateway
from app.services.doctor import Doctor, DoctorContext, Report
from app.services.operations.tell_web_settings import TellWebSettings
from app.services.registries.numbers import NumberDirectory
from simulator.server import SimulatorServer
from simulator.settings import MetaApp, SimulatorSettings
from simulator.testing import QUICK, MetaStandIn

APP_ID, SECRET, TOKEN, VERIFY = "600100200300400", "q8Zt3vLw0pXn5rKd", "EAAsimulated", "Vq7mB2xNc9Rf4sTj"
SETTINGS = {
    "API_KEY": "k3Qz8vWm1tYp6nLx0rJd5bHs",
    "SECRET_KEY": "uR4wZ9cN2kXv7pLm0tQy5gHb3sJd8fAe1x",
    "ENCRYPTION_KEY": "r1hXx0aVqv3m0C8m9s3cJm2lYt6f7Wk0bVd4nQe5Zug=",
    "WHATSAPP_VERIFY_TOKEN": VERIFY,
    "SIMULATOR": "true",
    "SIMULATOR_APP_SECRET": SECRET,
    "WHATSAPP_APP_ID": APP_ID,
    "WORKER": "external",
}
Habit = Callable[[Any], Any]
"""A proxy: it wraps a WSGI application."""


@pytest.fixture
def meta() -> Iterator[MetaStandIn]:
    """A simulated Meta that knows our app, and has no callback saved."""
    app = MetaApp(APP_ID, SECRET, VERIFY, TOKEN, webhook_url="")
    server = SimulatorServer(SimulatorSettings(port=0, pace=QUICK, seed=1, apps=(app,)))
    server.start()
    yield MetaStandIn(server)
    server.stop()


class Installation:
    """A gateway that a test breaks, and its doctor."""

    def __init__(self, folder: Path, meta: MetaStandIn, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.meta, self.monkeypatch = folder, meta, monkeypatch
        self.settings = SETTINGS | {"GRAPH_API_URL": meta.url, "DATABASE_URL": f"sqlite:///{folder}/whatsapp.db"}
        names = {"LOG_DIR": "logs", "MEDIA_DIR": "media", "BACKUP_DIR": "backups", "ERASURE_LEDGER": "erasures.jsonl"}
        self.settings |= {name: str(folder / value) for name, value in names.items()}
        for name in ("logs", "media", "backups"):
            (folder / name).mkdir()
        shutil.copyfile(database, folder / "whatsapp.db")
        self._closing: list[Callable[[], Any]] = []

    def set(self, **settings: str) -> None:
        """Change settings; an empty text takes one away."""
        self.settings |= settings

    @property
    def config(self) -> Config:
        """The settings as they are read."""
        return load_config(self.settings)

    def gateway(self) -> Gateway:
        """The services on these settings."""
        gateway = Gateway.build(self.config, "0")
        self._closing.append(gateway.database.dispose)
        return gateway

    def doctor(self, gateway: Gateway | None = None) -> Doctor:
        """The doctor of these settings."""
        built = gateway or self.gateway()
        return Doctor(
            lambda: DoctorContext(
                built.config, built.database, lambda: built.directory.current, built.graph, built.now, self.folder
            )
        )

    def examine(self, *only: str) -> Report:
        """Run some checks, or all."""
        return self.doctor()(only)

    def serve(self, habit: Habit = lambda app: app, path: str = "", **of_gateway: str) -> str:
        """Serve the gateway behind a proxy of this habit; return, and set, the public address."""
        self.monkeypatch.setattr(NumberDirectory, "_keep_fresh", lambda directory: None)
        self.monkeypatch.setattr(TellWebSettings, "_keep_telling", lambda told: None)
        app = create_app(load_config(self.settings | of_gateway))
        server = make_server("127.0.0.1", 0, habit(app.wsgi_app), threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self._closing += [app.extensions["gateway"].database.dispose, server.server_close, server.shutdown]
        self.set(PUBLIC_URL=f"http://127.0.0.1:{server.server_port}{path}")
        return self.settings["PUBLIC_URL"]

    def close(self) -> None:
        """Stop what serves."""
        for close in reversed(self._closing):
            close()


@pytest.fixture
def installation(
    tmp_path: Path, meta: MetaStandIn, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """A gateway in good order but for its worker, its backups and its callback."""
    made = Installation(tmp_path, meta, migrated_sqlite, monkeypatch)
    yield made
    made.close()
