from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import requests

from tests.load.gateway import BIN, ROOT, settings


def test_flask_simulator_stands_in_for_meta_with_the_settings(tmp_path: Path) -> None:
    ours = settings(tmp_path, 8000, f"sqlite:///{tmp_path}/whatsapp.db") | {"WHATSAPP_PHONE_NUMBER_ID": "123456789"}
    process = subprocess.Popen(
        [BIN / "flask", "simulator", "--port", "0"], cwd=ROOT, env=os.environ | ours, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
        assert found is not None
        world = requests.get(f"{found[0]}/simulator/api/world", timeout=10).json()
    finally:
        process.terminate()
        code = process.wait(10)
        process.communicate()

    assert [number["phone_number_id"] for number in world["numbers"]] == ["123456789"]
    assert code == 0
