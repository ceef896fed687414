#!/usr/bin/env bash
# Guess: a Celery worker whose Redis is killed in the middle of a task that is acknowledged late logs the error, tries
#        again until Redis is back, and goes on (`broker_connection_retry` is on by default).
# Seen:  "Unrecoverable error: AttributeError", and the process ends as soon as the task is over. To close the broken
#        connection kombu wants to give the message that is not acknowledged back to the Redis that is not there, by a
#        connection that it has just forgotten. With nothing under way the same worker does try again.
# Needs Debian's redis-server; starts one of its own on a free port.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check celery==5.7.0 kombu==5.7.0 redis==8.1.0 packaging==26.2
cat >"$work/tasks.py" <<PY
import time

import celery

app = celery.Celery("tasks", broker="redis://127.0.0.1:$port/0")
app.conf.update(task_acks_late=True, worker_pool="threads", worker_concurrency=2)


@app.task
def nap(seconds):
    time.sleep(seconds)
PY
cd "$work"
"$work/venv/bin/python" - "$port" <<'PY'
import subprocess
import sys
import time

import celery
import kombu

print("celery", celery.__version__, "kombu", kombu.__version__)
sys.path.insert(0, ".")
from tasks import nap


def start_redis():
    command = ["redis-server", "--port", sys.argv[1], "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(1)
    return redis


def survives(seconds):
    """Return whether a worker is alive 12 s after Redis was killed while its task slept for so many seconds."""
    redis = start_redis()
    with open("output.txt", "w") as output:
        command = [f"{sys.prefix}/bin/celery", "-A", "tasks", "worker", "--without-mingle", "--without-gossip"]
        worker = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            time.sleep(5)
            nap.delay(seconds)
            time.sleep(2)
            redis.kill()
            redis.wait()
            time.sleep(12)
            return worker.poll() is None
        finally:
            worker.kill()
            redis.kill()


idle, busy = survives(0), survives(6)
print([line.strip() for line in open("output.txt") if "Unrecoverable" in line])
print(f"alive after Redis was killed: with no task {idle}; in the middle of a task: expected True, seen {busy}")
sys.exit(0 if (idle, busy) == (True, False) else 1)
PY
