"""The closed loop by `wrk` where it is installed (it takes a tenth of our generator's CPU), by our own elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.load import Result, closed_loop
from tests.load.bodies import Webhook

SCRIPT = Path(__file__).with_name("webhooks.lua")


def fastest_loop(url: str, webhooks: Iterable[Webhook], *, connections: int, seconds: float) -> Result:
    """Post for `seconds` over `connections`. The webhooks must outlast the time: running out is a RuntimeError."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return closed_loop(url, webhooks, connections=connections, seconds=seconds)
    with tempfile.NamedTemporaryFile("wb", suffix=".webhooks") as file:
        for webhook in webhooks:
            file.write(webhook.signature.encode() + b"\n" + webhook.body + b"\n")
        file.flush()
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(SCRIPT), url, "--", file.name]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True)
    answer = json.loads(ran.stdout.splitlines()[-1])
    if answer.pop("rounds"):
        raise RuntimeError("the webhooks were used up before the time was; make more of them")
    return Result(**answer)
