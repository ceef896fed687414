#!/usr/bin/env bash
# Guess: a message given back (nack with requeue) returns to its place at the head, as in a classic queue; and a delivery
#        limit only counts tries.
# Seen:  in a quorum queue it goes to the end, behind all that waits; but as soon as the queue is declared with
#        x-delivery-limit it comes back at the head. So a setting about poison messages decides whether order is kept.
# Needs a RabbitMQ at AMQP_URL (default: guest on loopback); makes and deletes three queues of its own.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pika==1.4.4
"$work/venv/bin/python" - "${AMQP_URL:-amqp://guest:guest@127.0.0.1:5672/%2F}" <<'PY'
import sys
import time
import uuid

import pika

connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
server = connection._impl.server_properties["version"]
print("RabbitMQ", server.decode() if isinstance(server, bytes) else server, "pika", pika.__version__)
channel = connection.channel()
channel.confirm_delivery()


def order_after_giving_back(arguments):
    """Publish A to D, take A, give it back, and return the order in which all come out then."""
    name = f"finding-{uuid.uuid4()}"
    channel.queue_declare(name, durable=True, arguments=arguments)
    try:
        for body in b"ABCD":
            channel.basic_publish("", name, bytes([body]))
        time.sleep(0.5)
        method, _, _ = channel.basic_get(name)
        channel.basic_nack(method.delivery_tag, requeue=True)
        time.sleep(0.5)
        return "".join(channel.basic_get(name, auto_ack=True)[2].decode() for _ in range(4))
    finally:
        channel.queue_delete(name)


seen = {
    "classic": order_after_giving_back({"x-queue-type": "classic"}),
    "quorum": order_after_giving_back({"x-queue-type": "quorum"}),
    "quorum, x-delivery-limit 20": order_after_giving_back({"x-queue-type": "quorum", "x-delivery-limit": 20}),
}
for kind, order in seen.items():
    print(f"{kind}: expected ABCD, seen {order}")
connection.close()
sys.exit(0 if list(seen.values()) == ["ABCD", "BCDA", "ABCD"] else 1)
PY
