"""systemd's own tools have nothing against the units; that they run under systemd itself is not tried here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.load.gateway import ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
EXPOSURE = 20
"""In tenths, of a hundred: what has a network and its own files comes to about 14."""


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_is_valid_and_hardened(unit: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here")
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace("/opt/whatsapp-service", str(ROOT)))

    for command in (["verify", here], ["--offline=true", "security", f"--threshold={EXPOSURE}", here]):
        done = subprocess.run([program, *command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Unknown" not in done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_leaves_what_the_gateway_needs(unit: Path) -> None:
    """`@resources` holds setpriority, and a file is converted in a process that is nice."""
    text = unit.read_text()

    assert not re.search("^SystemCallFilter=~.*@resources", text, re.MULTILINE)
    assert int(re.findall(r"^TimeoutStopSec=(\d+)", text, re.MULTILINE)[0]) >= 40
