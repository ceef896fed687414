"""The admins' pages and stories among very many messages: how long the server takes for each.

    .venv/bin/python -m benchmarks.house_pages [--messages 1000000] [--requests 30]

Makes a database of messages as `benchmarks.lists` does, with a delivery for each event (most delivered, 6,000 dead,
3,000 waiting), counts the traffic, signs an admin in and asks each page over the WSGI application. Prints p99 in
milliseconds, beside the name p50, CPU time and size; the exit code is 1 when a p99 is above 100 ms.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from app import create_app, migrations
from app.config.settings import load_config
from app.container import Gateway
from app.db.database import Database
from app.services.operations.traffic import CountTraffic
from benchmarks.figures import HEADING, at_most
from benchmarks.lists.data import NUMBERS, Data
from benchmarks.load import percentile
from tests.conftest import SETTINGS
from tests.people import sign_in

TARGET_MILLISECONDS = 100
DEAD, WAITING = 6_000, 3_000
PAGES = {
    "overview, an hour": "/inbox/house", "overview, 30 days": "/inbox/house?period=month",
    "overview's changing part": "/inbox/house/live", "plot of messages": "/inbox/house/plots/messages.svg",
    "plot of latencies, 30 days": "/inbox/house/plots/latency.svg?period=month", "numbers": "/inbox/house/numbers",
    "one number": f"/inbox/house/numbers/{NUMBERS[0]}", "endpoints": "/inbox/house/endpoints",
    "one endpoint": "/inbox/house/endpoints/{endpoint}",
    "dead letters": "/inbox/house/endpoints/{endpoint}/deliveries?state=dead",
    "waiting deliveries": "/inbox/house/endpoints/{endpoint}/deliveries?state=pending",
    "all deliveries": "/inbox/house/endpoints/{endpoint}/deliveries", "batches": "/inbox/house/batches",
    "webhooks": "/inbox/house/webhooks", "parked webhooks": "/inbox/house/webhooks?state=parked",
    "cost, 90 days": "/inbox/house/cost?period=quarter", "alerts": "/inbox/house/alerts",
    "newest messages": "/inbox/messages", "held messages": "/inbox/messages?status=held",
    "messages of a phone": "/inbox/messages?find=%2B5491100000007", "a story": "/inbox/messages/{message}",
}  # fmt: skip


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=30, help="for each page")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-house-") as directory:
        settings = {"DATABASE_URL": f"sqlite:///{directory}/house.db", "LOG_DIR": directory}
        more = {"WHATSAPP_PHONE_NUMBER_ID": NUMBERS[0]}
        app = create_app(load_config(SETTINGS | settings | more))
        logging.disable(logging.WARNING)
        gateway: Gateway = app.extensions["gateway"]
        migrations.upgrade(gateway.database)
        places = _fill(gateway, asked.messages)
        gc.freeze()
        admin, missed = sign_in(app, "Root", "admin"), 0
        print(HEADING, flush=True)
        for name, path in PAGES.items():
            took, busy = [], []
            for _ in range(asked.requests + 1):
                started, cpu = time.perf_counter(), time.process_time()
                answer = admin.get(path.format(**places))
                took.append((time.perf_counter() - started) * 1000)
                busy.append((time.process_time() - cpu) * 1000)
                assert answer.status_code == 200, (path, answer.status_code)
            took = sorted(took[1:])  # the first loads templates and the library of plots
            size = len(answer.data) / 1000
            half = percentile(sorted(busy[1:]), 0.5)
            label = f"{name} (p50 {percentile(took, 0.5):.1f}, CPU {half:.1f}, {size:.0f} kB)"
            figure = at_most(label, TARGET_MILLISECONDS, percentile(took, 0.99))
            print(figure.as_line(), flush=True)
            missed += not figure.is_met
        gateway.database.dispose()
    return 1 if missed else 0


def _fill(gateway: Gateway, messages: int) -> dict[str, str]:
    """Make the past; return the ids that addresses hold."""
    started = time.monotonic()
    Data(messages).load(gateway.database)
    endpoint, _ = gateway.manage_endpoints.add({"url": "https://app.example/", "description": "Shop"})
    _deliveries(gateway.database, endpoint.id)
    now = datetime.now(UTC)
    count_traffic = CountTraffic(gateway.database)
    while count_traffic(now):
        pass
    with gateway.database.read() as session:
        message = session.scalar(text("SELECT id FROM messages WHERE direction = 'outbound' ORDER BY id DESC LIMIT 1"))
    print(f"{messages:,} messages made in {time.monotonic() - started:.0f} s", flush=True)
    return {"endpoint": endpoint.id, "message": str(message)}


def _deliveries(database: Database, endpoint_id: str) -> None:
    state = f"CASE WHEN sequence % 1000 < {DEAD // 1000} THEN 'dead' WHEN sequence % 1000 > {1000 - WAITING // 1000}"
    now = int((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1_000_000)
    with database.engine.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO deliveries (endpoint_id, event_id, contact_id, state, is_replay, is_status, blocks, refused,"
            " due_at, attempts, reason, created_at) SELECT ?, id, contact_id,"
            f" {state} THEN 'pending' ELSE 'delivered' END, 0, 0, 1, 0, ?, 1, 'HTTP 500', ? FROM events",
            (endpoint_id, now, now),
        )
        connection.commit()


if __name__ == "__main__":
    sys.exit(main())
