"""How fast events are delivered: the worker's lane ÷ a bare loop over `requests.Session`, with as many threads.

`python -m benchmarks.deliver [--pairs 5] [--events 3000] [--database-url …]`. Both post the same bodies in turns to
nginx, which stands in for the app and whose own rate is printed; the lane with everything that a delivery is: claim,
signature, attempt, record.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from sqlalchemy import func, select

from app import migrations
from app.clock import utc_now
from app.config.settings import Config, load_config
from app.container import Gateway
from app.jobs.deliver import DeliverDue
from app.models import Delivery, Event
from app.schemas.event_body import event_body
from app.security.standard_webhooks import new_secret
from app.services.events import append_events, event_row
from app.services.registries.endpoints import new_row
from app.store import endpoints
from benchmarks.figures import at_least, middle
from benchmarks.stand_in import standing_in
from tests.load.gateway import free_port, settings

THREADS = 16


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--events", type=int, default=3000)
    parser.add_argument("--database-url", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, standing_in(Path(directory) / "nginx", "{}") as app:
        url = f"{app.url}/events"
        gateway = _gateway(Path(directory), given.database_url, url)
        ours, bare = [], []
        for _ in range(given.pairs):
            ours.append(_deliver(gateway, given.events))
            bare.append(_bare(gateway, url, given.events))
        gateway.database.dispose()
        headroom = app.headroom(max(*ours, *bare))
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    print(f"delivered: {middle(ours):,.0f}/s; bare requests.Session: {middle(bare):,.0f}/s; {THREADS} threads each")
    print(at_least("deliveries ÷ bare requests.Session", 0.8, middle(ratios)).as_line())
    print(headroom.as_line())


def _deliver(gateway: Gateway, count: int) -> float:
    _enqueue(gateway, count)
    lane = DeliverDue(gateway.database, gateway.endpoints, gateway.post_event, utc_now, threads=THREADS)
    began = time.perf_counter()
    while _pending(gateway):
        for _ in range(10):
            lane()
    took = time.perf_counter() - began
    lane.close()
    return count / took


def _bare(gateway: Gateway, url: str, count: int) -> float:
    with gateway.database.read() as session:
        bodies = [event_body(event) for event in session.scalars(select(Event).limit(count))]
    session_ = requests.Session()
    session_.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        for status in pool.map(lambda body: session_.post(url, data=body, timeout=15).status_code, bodies):
            assert status == 200
    return count / (time.perf_counter() - began)


def _enqueue(gateway: Gateway, count: int) -> None:
    now = utc_now()
    data = {"message": "x" * 40, "content": {"body": "x" * 40}, "filler": "y" * 600}
    for first in range(0, count, 500):
        rows = [
            event_row(
                "message.received",
                data,
                now,
                phone_number_id="1",
                contact_id=f"contact-{number % 400}",
                contact_sequence=number,
            )
            for number in range(first, first + 500)
        ]
        with gateway.database.write() as session:
            append_events(session, rows)


def _pending(gateway: Gateway) -> int:
    with gateway.database.read() as session:
        return session.scalar(select(func.count()).where(Delivery.state == "pending")) or 0


def _gateway(directory: Path, database_url: str, url: str) -> Gateway:
    environ = settings(directory, free_port(), database_url or f"sqlite:///{directory}/whatsapp.db")
    config: Config = load_config(environ | {"FORWARD_ALLOW_NETS": "127.0.0.0/8"})
    gateway = Gateway.build(config, "0")
    migrations.upgrade(gateway.database)
    row = new_row("benchmark", utc_now(), secret=gateway.encryptor.encrypt(new_secret()))
    row.url, row.format = url, "event"
    with gateway.database.write() as session:
        endpoints.add(session, row)
    return gateway


if __name__ == "__main__":
    main()
