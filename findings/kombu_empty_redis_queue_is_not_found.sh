#!/usr/bin/env bash
# Guess: to ask how many messages wait, declare the queue passively: a queue that was declared and is empty answers 0,
#        and only one that was never declared is not found. So it is on RabbitMQ.
# Seen:  through kombu on Redis a queue that is empty is "404 NOT_FOUND", although the same connection has just declared
#        it; with a message in it the answer is 1. A declaration that is not passive answers 0. Whoever watches queues
#        by the passive call sees a healthy, idle broker fail.
# Needs Debian's redis-server; starts one of its own on a free port.
set -euo pipefail
work=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --port "$port" --bind 127.0.0.1 --save "" --appendonly no --dir "$work" >"$work/redis.log" &
redis=$!
trap 'kill "$redis"; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check kombu==5.7.0 redis==8.1.0 packaging==26.2
"$work/venv/bin/python" - "$port" <<'PY'
import sys

import kombu
import redis

print("kombu", kombu.__version__, "redis-py", redis.__version__)


def waiting(channel, passive):
    """Return how many messages a declaration says are waiting, or the error."""
    try:
        return channel.queue_declare("jobs", passive=passive).message_count
    except Exception as error:
        return getattr(error, "reply_code", None) or str(error)


with kombu.Connection(f"redis://127.0.0.1:{sys.argv[1]}/0") as connection:
    channel = connection.channel()
    kombu.Queue("jobs")(channel).declare()
    seen = [waiting(channel, True), waiting(channel, False)]
    kombu.Producer(channel).publish("hello", routing_key="jobs")
    seen.append(waiting(channel, True))
print(f"declared and empty, asked passively: expected 0, seen {seen[0]}")
print(f"the same, declared again: seen {seen[1]}; with one message, asked passively: seen {seen[2]}")
sys.exit(0 if "404" in str(seen[0]) and seen[1:] == [0, 1] else 1)
PY
