#!/usr/bin/env bash
# Guess: with several processes, the page of numbers is put together from whatever files of counters can be read. A process
#        that has just made its file, and has not written to it yet, counts as one without numbers.
# Seen:  one file of length 0 (a process that was stopped, or a full disk, between making the file and giving it its size)
#        makes every scrape of every process raise, until somebody deletes that file.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check prometheus-client==0.26.0
mkdir "$work/numbers"
PROMETHEUS_MULTIPROC_DIR="$work/numbers" "$work/venv/bin/python" - <<'PY'
import importlib.metadata
import os
import sys

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

print("prometheus-client", importlib.metadata.version("prometheus-client"))
Counter("messages", "Messages.").inc()


def scrape() -> str:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    try:
        return "answered" if b"messages_total 1.0" in generate_latest(registry) else "answered without the numbers"
    except Exception as error:
        return f"raised {type(error).__module__}.{type(error).__name__}"


print("before:", scrape())
open(os.path.join(os.environ["PROMETHEUS_MULTIPROC_DIR"], "counter_99999.db"), "wb").close()
seen = scrape()
print("beside an empty file: expected answered, seen", seen)
sys.exit(0 if seen.startswith("raised") else 1)
PY
