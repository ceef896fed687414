"""The same webhooks on a disk whose every fsync takes 5 ms longer."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.figures import Figure, at_most
from benchmarks.load import Result, closed_loop, open_loop
from tests.load.bodies import Maker
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.senders import PATH

MILLISECONDS = 5
SOURCE = Path(__file__).with_name("slow_fsync.c")


def shim() -> Path:
    """Build the preloaded library and return where it is."""
    library = SOURCE.parent / "build" / "slow_fsync.so"
    library.parent.mkdir(exist_ok=True)
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


def measure(directory: Path, seconds: float) -> list[Figure]:
    """At Meta's pace and as hard as 32 connections can, the worker stopped."""
    slow = {"LD_PRELOAD": str(shim()), "SLOW_FSYNC_MS": str(MILLISECONDS), "WORKER": "external"}
    with running(Gateway(directory, slow)) as gateway:
        url = gateway.url + PATH
        closed_loop(url, Maker(APP_SECRET, 20).mixed(200), connections=8, seconds=5)
        paced_bodies = Maker(APP_SECRET, 21).mixed(int(100 * seconds))
        paced = open_loop(url, paced_bodies, rate=100, connections=32, seconds=seconds)
        hard_bodies = Maker(APP_SECRET, 22).mixed(int(6_000 * seconds))
        hard = closed_loop(url, hard_bodies, connections=32, seconds=seconds)
    return [
        at_most(f"p99, +{MILLISECONDS} ms a sync, 100/s", 250, paced.p99),
        at_most(f"p99, +{MILLISECONDS} ms a sync, 32 connections", 250, hard.p99),
        Figure(f"webhooks, +{MILLISECONDS} ms a sync, 32 connections", hard.rate, "/s"),
        at_most(f"refused or unanswered, +{MILLISECONDS} ms a sync", 0, _unhappy(paced, hard), ""),
    ]


def _unhappy(*results: Result) -> int:
    return sum(result.non_2xx + result.errors for result in results)
