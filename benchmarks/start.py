"""From the command to the first 200 of `/readyz`, and the processor time that all processes took until then.

    python -m benchmarks.start [--pairs 5] [--beside FOLDER]

With `--beside`, another build in that folder is started in turns with this one; it shares this one's `.venv`. Each
build starts on a new SQLite file first, and then again on the same one, with the simulator as `./run.sh` does. What
`./run.sh` itself does before, comparing a list of packages, is left out.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.figures import HEADING, Figure, at_most, middle
from tests.load.gateway import BIN, ROOT, free_port, settings

COMMAND = "exec {python} -m app.start.serve"
APART = "{python} -m app.start.preflight || exit $?; "
"""What builds run first whose `run.sh` checks the settings in a process of its own."""

NOT_OF_A_FIRST_START = ("WHATSAPP_ACCESS_TOKEN", "WHATSAPP_APP_SECRET", "GRAPH_API_URL", "SIMULATOR")
PATIENCE_SECONDS = 120.0

Times = dict[str, list[tuple[float, float]]]


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--beside", type=Path, help="the folder of another build")
    asked = parser.parse_args()
    builds = {"this build": ROOT} | ({"the other": asked.beside} if asked.beside else {})
    found: dict[str, Times] = {name: {"a new file": [], "a known file": []} for name in builds}
    for _ in range(asked.pairs):
        for name, root in builds.items():
            with tempfile.TemporaryDirectory(prefix="gateway-bench-") as directory:
                for times in found[name].values():
                    times.append(_start(root, Path(directory)))
    print(HEADING)
    for name, kinds in found.items():
        for kind, times in kinds.items():
            print(Figure(f"{name}, {kind}", round(middle(seconds for seconds, _ in times), 2), "s").as_line())
            print(Figure(f"{name}, {kind}: CPU", round(middle(cpu for _, cpu in times), 2), "s").as_line())
    if asked.beside:
        for kind in found["the other"]:
            pairs = list(zip(found["this build"][kind], found["the other"][kind], strict=True))
            print(at_most(f"÷ the other, {kind}", 0.6, middle(a[0] / b[0] for a, b in pairs), "").as_line())
            print(at_most(f"÷ the other, {kind}: CPU", 0.6, middle(a[1] / b[1] for a, b in pairs), "").as_line())


def _start(root: Path, directory: Path) -> tuple[float, float]:
    """Start a build and stop it again; return the seconds until it was ready, and those of all its processors' time."""
    port = free_port()
    env = settings(directory, port, f"sqlite:///{directory / 'whatsapp.db'}")
    for name in NOT_OF_A_FIRST_START:
        del env[name]
    env |= {"PATH": os.environ["PATH"], "HOME": str(directory), "SIMULATOR_APP_SECRET": "simulated-app-secret"}
    apart = APART if "app.start.preflight" in (root / "run.sh").read_text() else ""
    command = (apart + COMMAND).format(python=BIN / "python")
    began = time.monotonic()
    with (directory / "output.txt").open("ab") as output:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        while not _is_ready(port):
            if process.poll() is not None or time.monotonic() - began > PATIENCE_SECONDS:
                raise RuntimeError((directory / "output.txt").read_text()[-2000:])
            time.sleep(0.01)
        return time.monotonic() - began, _cpu_seconds(psutil.Process(process.pid))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _cpu_seconds(master: psutil.Process) -> float:
    """The time of a process, of its children, and of those of each that have ended."""
    return sum(sum(each.cpu_times()[:4]) for each in (master, *master.children(recursive=True)))


if __name__ == "__main__":
    main()
