#!/usr/bin/env bash
# Guess: a command whose answer is late raises a timeout; whether to repeat it is the caller's decision, since INCR and
#        SET NX are not the same twice. And Redis() and Redis.from_url() make the same client.
# Seen:  Redis() repeats each command after a timeout, by itself, so a lock is taken and the one who took it is told that
#        somebody else has it, and a count is one too high. from_url() does not repeat.
# Needs Debian's redis-server; starts its own.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check redis==8.1.0
redis-server --version | cut -d' ' -f1-3
timeout 60 "$work/venv/bin/python" - "$work" <<'PY'
import socket
import subprocess
import sys
import threading
import time

import redis


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as held:
        return held.getsockname()[1]


server_port = free_port()
server = subprocess.Popen(["redis-server", "--port", str(server_port), "--bind", "127.0.0.1", "--save", "",
                           "--dir", sys.argv[1]], stdout=subprocess.DEVNULL)
listener, silent = socket.create_server(("127.0.0.1", 0)), threading.Event()
front = listener.getsockname()[1]


def pump(source, target, is_answer):
    while data := source.recv(65536):
        if not (is_answer and silent.is_set()):  # the command arrives; its answer is lost
            target.sendall(data)


def serve():
    while True:
        client, _ = listener.accept()
        upstream = socket.create_connection(("127.0.0.1", server_port))
        threading.Thread(target=pump, args=(client, upstream, False), daemon=True).start()
        threading.Thread(target=pump, args=(upstream, client, True), daemon=True).start()


def lose_answers_for_a_moment(client):
    client.ping()
    silent.set()
    threading.Timer(0.4, silent.clear).start()


def outcome(command):
    try:
        return command()
    except redis.TimeoutError:
        return "TimeoutError"


try:
    direct = redis.Redis(port=server_port)
    for _ in range(100):
        try:
            direct.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    threading.Thread(target=serve, daemon=True).start()
    seen = []
    for name, make in (
        ("Redis()", lambda: redis.Redis(port=front, socket_timeout=0.2)),
        ("Redis.from_url()", lambda: redis.Redis.from_url(f"redis://127.0.0.1:{front}", socket_timeout=0.2)),
    ):
        for command in ("incr", "set nx"):
            direct.flushall()
            client = make()
            lose_answers_for_a_moment(client)
            if command == "incr":
                answer = outcome(lambda: client.incr("count"))
                time.sleep(0.5)
                stored = int(direct.get("count"))
            else:
                answer = outcome(lambda: client.set("lock", "me", nx=True))
                time.sleep(0.5)
                stored = direct.get("lock").decode()
            print(f"{name} {command}: expected TimeoutError, seen {answer}; stored: {stored}")
            seen.append((answer, stored))
    print("redis-py", redis.__version__)
    sys.exit(0 if seen == [(2, 2), (None, "me"), ("TimeoutError", 1), ("TimeoutError", "me")] else 1)
finally:
    server.terminate()
    server.wait()
PY
