"""A real Alertmanager with our configuration: what is critical is told at once, and what follows from it is not."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from app.config.parsers import ROOT
from tests.deploy.proxies import replaced
from tests.load.gateway import free_port
from tests.load.in_flight import wait_for
from tests.subscriber import App, subscriber

FILE = ROOT / "deploy" / "prometheus" / "alertmanager.yaml"
WAIT = ("group_wait: 30s", "group_wait: 1s")
"""Whether an alert follows from another is only seen when its group is told."""


@contextmanager
def alertmanager(folder: Path, receiver: str) -> Iterator[str]:
    """The URL of its API."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.skip("Alertmanager is not installed (Debian: prometheus-alertmanager)")
    (folder / "alertmanager.yaml").write_text(replaced(FILE, ("http://127.0.0.1:9099/alerts", receiver), WAIT))
    port = free_port()
    command = [
        program, f"--config.file={folder / 'alertmanager.yaml'}", f"--storage.path={folder}", "--log.level=warn",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_for(lambda: _is_ready(port), 30)
        yield f"http://127.0.0.1:{port}/api/v2"
    finally:
        process.terminate()
        process.wait(20)


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def told(app: App) -> set[str]:
    """The alerts that the receiver was told of."""
    return {alert["labels"]["alertname"] for posted in app.posted for alert in json.loads(posted.body)["alerts"]}


def states(api: str) -> dict[str, str]:
    """Of each alert whether it is told (`active`) or follows from another (`suppressed`)."""
    found: list[dict[str, Any]] = requests.get(f"{api}/alerts", timeout=5).json()
    return {each["labels"]["alertname"]: each["status"]["state"] for each in found}


def test_what_is_critical_is_told_at_once_and_what_follows_from_it_is_not(tmp_path: Path) -> None:
    severities = {"WhatsAppDatabaseDown": "critical", "WhatsAppWorkerBehind": "warning"}
    alerts = [{"labels": {"alertname": name, "severity": severity}} for name, severity in severities.items()]
    with subscriber() as app, alertmanager(tmp_path, app.url) as api:
        for alert in alerts:
            assert requests.post(f"{api}/alerts", json=[alert], timeout=5).status_code == 200
        wait_for(lambda: told(app) == {"WhatsAppDatabaseDown"}, 20)
        wait_for(lambda: states(api)["WhatsAppWorkerBehind"] == "suppressed", 20)

        assert states(api)["WhatsAppDatabaseDown"] == "active" and told(app) == {"WhatsAppDatabaseDown"}


def test_amtool_reads_the_file() -> None:
    if shutil.which("amtool") is None:
        pytest.skip("amtool is not installed (Debian: prometheus-alertmanager)")

    ran = subprocess.run(["amtool", "check-config", str(FILE)], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
