"""A gateway that listens, and a client of it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.conftest import API_KEY
from whatsapp_service_client import Client


@pytest.fixture
def database_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A migrated, empty database; none of these tests is about which one."""
    shutil.copyfile(migrated_sqlite, tmp_path / "whatsapp.db")
    return f"sqlite:///{tmp_path}/whatsapp.db"


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    """The address at which the application under test is served, by threads of this process."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def caller(url: str) -> Iterator[Client]:
    """A client that may do everything."""
    with Client(url, API_KEY, retries=0) as client:
        yield client
