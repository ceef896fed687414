from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import environment
from app.start import preflight
from tests.load.gateway import free_port

SIMULATED = {
    "API_KEY": "an-api-key-of-24-letters",
    "SECRET_KEY": "a-secret-key-of-at-least-32-letters",
    "ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "WHATSAPP_VERIFY_TOKEN": "verify-me",
    "SIMULATOR_APP_SECRET": "simulated-app-secret",
}


class Project:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def write_env(self, **settings: str) -> None:
        lines = SIMULATED | {"PORT": str(self.port), "DATABASE_URL": f"sqlite:///{self.folder}/data/wa.db"} | settings
        (self.folder / ".env").write_text("".join(f"{name}={text}\n" for name, text in lines.items()))
        (self.folder / ".env").chmod(0o600)


def test_it_says_nothing_when_all_is_well(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write_env()

    assert (preflight.main(), capsys.readouterr()) == (0, ("", ""))


def test_it_lists_what_is_wrong_with_the_settings(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write_env(WORKER="both", LOG_FORMAT="xml")

    assert (preflight.main(), capsys.readouterr().err) == (
        2,
        "The gateway cannot start:\n"
        "  WORKER: must be one of embedded, external\n"
        "  LOG_FORMAT: must be one of text, json\n",
    )


def test_it_warns_of_misspelt_settings_and_of_an_env_file_that_others_can_read(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write_env(LOG_LEVLE="DEBUG")
    (project.folder / ".env").chmod(0o644)

    assert (preflight.main(), capsys.readouterr().err) == (
        0,
        "Warning: LOG_LEVLE is not a setting; LOG_LEVEL is\n"
        "Warning: other users of this machine can read .env; run: chmod 600 .env\n",
    )


@pytest.mark.parametrize(("distance", "setting"), [(0, "PORT"), (1, "PORT"), (2, "METRICS_PORT")])
def test_it_names_the_port_that_is_taken(
    project: Project, capsys: pytest.CaptureFixture[str], distance: int, setting: str
) -> None:
    project.write_env(METRICS_PORT=str(project.port + 2))

    with socket.create_server(("127.0.0.1", project.port + distance)):
        code = preflight.main()

    assert code == 2
    assert f"  {setting}: port {project.port + distance}" in capsys.readouterr().err


def test_it_refuses_an_address_that_is_not_this_machines(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write_env(HOST="192.0.2.1")

    assert preflight.main() == 2
    assert "  HOST: is no address of this machine" in capsys.readouterr().err


def test_it_refuses_a_database_where_nothing_can_be_written(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.folder / "data").write_text("a file where the folder should be")
    project.write_env()

    assert preflight.main() == 2
    assert "  DATABASE_URL: this user cannot write" in capsys.readouterr().err


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty project folder with three free ports, and an environment that is put back afterwards."""
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(preflight, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(preflight, "ROOT", tmp_path)
    port = free_port()
    monkeypatch.setattr(os, "environ", {})
    yield Project(tmp_path, port)
