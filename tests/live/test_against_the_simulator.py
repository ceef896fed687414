"""The tests against Meta itself, as far as they can be tried here: without credentials, and against the simulator."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.config.parsers import ROOT
from simulator.server import SimulatorServer
from simulator.settings import BusinessNumber, CustomerProfile, MetaApp, SimulatorSettings
from simulator.testing import QUICK, MetaStandIn
from tests.live.test_meta import NAMES, credentials


@pytest.fixture
def meta() -> Iterator[MetaStandIn]:
    server = SimulatorServer(SimulatorSettings(port=0, pace=QUICK, seed=1))
    server.start()
    yield MetaStandIn(server)
    server.stop()


def test_without_credentials_they_are_skipped_and_say_what_is_missing() -> None:
    with pytest.raises(pytest.skip.Exception) as skipped:
        credentials({"LIVE_WHATSAPP_TO": "5491112345678", "LIVE_WHATSAPP_APP_ID": ""})

    assert str(skipped.value).split(": ")[1].split(", ") == [f"LIVE_WHATSAPP_{name}" for name in NAMES if name != "TO"]


def test_all_of_them_pass_where_the_simulator_is_in_metas_place(meta: MetaStandIn) -> None:
    given = {
        "ACCESS_TOKEN": MetaApp.access_token, "APP_ID": MetaApp.app_id, "APP_SECRET": MetaApp.app_secret,
        "PHONE_NUMBER_ID": BusinessNumber.phone_number_id, "BUSINESS_ACCOUNT_ID": BusinessNumber.waba_id,
        "TO": CustomerProfile.wa_id,
    }  # fmt: skip
    own = {f"LIVE_WHATSAPP_{name}": text for name, text in given.items()} | {"LIVE_GRAPH_API_URL": meta.url}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "live", "tests/live/test_meta.py"]

    done = subprocess.run(
        command, cwd=ROOT, env={"PATH": os.environ["PATH"], **own}, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout and "skipped" not in done.stdout
    assert [(message.to, message.body["type"]) for message in meta.accepted] == [(CustomerProfile.wa_id, "template")]
