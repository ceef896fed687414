"""Backlogs of items, sends and deliveries, made while no worker runs, and the rate at which workers work them off.

The rate is that from the moment when all workers are there until 95 % of the backlog is done.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime

from app.clock import utc_now
from app.config.settings import load_config
from app.container import Gateway as Services
from app.ids import first_from
from app.security.standard_webhooks import new_secret
from app.services.events import append_events, event_row
from app.services.registries.endpoints import new_row
from app.store import endpoints
from benchmarks.send import NUMBER, OTHERS, queue_sends
from benchmarks.stand_in import StandIn
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import APP_SECRET, Gateway
from tests.load.senders import post_all

KINDS = ("items", "sends", "deliveries")
SETTINGS = {
    "WORKER": "external", "MESSAGES_PER_SECOND": "1000", "LOG_LEVEL": "WARNING", "WEB_CONCURRENCY": "2",
    "FORWARD_ALLOW_NETS": "127.0.0.0/8",
}  # fmt: skip
SECONDS = 180.0


class Backlogs:
    """One running gateway, whose Graph and app are the two stand-ins."""

    def __init__(self, gateway: Gateway, graph: StandIn, app: StandIn) -> None:
        self.gateway, self._graph, self._app = gateway, graph, app
        self._books = Books(gateway)
        self._seed = time.time_ns() % 2**32
        self._sent = 0
        self._has_endpoint = False

    def rate(self, kind: str, workers: int, count: int) -> float:
        """Make a backlog of one of `KINDS` and return how much of it so many workers do a second.

        Once deliveries were measured, items bring deliveries too.
        """
        if kind == "items":
            posted = utc_now()
            self._post(count)
            began = utc_now()
            return self._work_off(workers, count, lambda: self._processed(posted, began))
        if kind == "sends":
            self._graph.forget()
            self._send(count)
            return self._work_off(workers, count, self._graph.arrivals)
        if not self._has_endpoint:
            self._add_endpoint()
        self._app.forget()
        self._append_events(count)
        return self._work_off(workers, count, self._app.arrivals)

    def drain(self) -> None:
        """Have one worker process all that waits."""
        worker = self.gateway.start_worker()
        self._books.wait_settled()
        worker.terminate()
        worker.wait(60)
        self.gateway.workers.clear()

    def _work_off(self, workers: int, count: int, times: Callable[[], list[float]]) -> float:
        running_ = [self.gateway.start_worker() for _ in range(workers)]
        until, all_there = time.monotonic() + SECONDS, 0.0
        while len(found := times()) < count and time.monotonic() < until:
            time.sleep(0.25)
            if not all_there and self._books.count("workers") == workers:
                all_there = time.time()
        states = self._books.rows("SELECT status, count(*) FROM messages GROUP BY 1") if len(found) < count else []
        for worker in running_:
            worker.terminate()
        for worker in running_:
            worker.wait(60)
        self.gateway.workers.clear()
        if len(found) < count:
            raise RuntimeError(f"only {len(found)} of {count}: {states} {self.gateway.tail(1500)}")
        first, last = max(int(count * 0.1), bisect_left(found, all_there)), int(count * 0.95)
        if not all_there or last - first < count * 0.25:
            raise RuntimeError(f"a backlog of {count} is too small: most of it was done before all workers were there")
        return (last - first) / max(found[last] - found[first], 0.001)

    def _post(self, count: int) -> None:
        self._seed += 1
        post_all(self.gateway, Maker(APP_SECRET, self._seed, contacts=2000).mixed(count), seconds=300)

    def _processed(self, posted: datetime, since: datetime) -> list[float]:
        """When notifications were processed that were posted from a time on, in seconds, ascending.

        By their ids, which begin with a time: no index has `processed_at`, and a walk through a million rows four times
        a second would take from the workers what is measured.
        """
        rows = self._books.rows(
            f"SELECT processed_at FROM notifications WHERE id > '{first_from(posted)}'"
            f" AND processed_at > {self._moment(since)}"
        )
        if self.gateway.database_url.startswith("sqlite"):
            return sorted(microseconds / 1_000_000 for (microseconds,) in rows)
        return sorted(moment.timestamp() for (moment,) in rows)

    def _moment(self, moment: datetime) -> str:
        if self.gateway.database_url.startswith("sqlite"):
            return str(int(moment.timestamp() * 1_000_000))
        return f"'{moment.isoformat()}'"

    def _send(self, count: int) -> None:
        numbers = (NUMBER, *OTHERS)
        for number in numbers:
            queue_sends(self.gateway, number, count // len(numbers), first=self._sent)
        self._sent += count

    def _services(self) -> Services:
        return Services.build(load_config(self.gateway.env | {"BROKER_URL": ""}), "0")

    def _add_endpoint(self) -> None:
        services = self._services()
        row = new_row("benchmark", utc_now(), secret=services.encryptor.encrypt(new_secret()))
        row.url, row.format = f"{self._app.url}/events", "event"
        with services.database.write() as session:
            known = endpoints.find(session, row.id)
            if known is None:
                endpoints.add(session, row)
            else:  # a database that was kept: the app of now listens elsewhere
                known.url = row.url
        services.database.dispose()
        self._has_endpoint = True

    def _append_events(self, count: int) -> None:
        services, now = self._services(), utc_now()
        data = {"message": "x" * 40, "content": {"body": "x" * 40}, "filler": "y" * 600}
        for first in range(0, count, 500):
            rows = [
                event_row(
                    "message.received", data, now, phone_number_id="1", contact_id=f"contact-{number % 400}",
                    contact_sequence=number,
                )  # fmt: skip
                for number in range(first, first + 500)
            ]
            with services.database.write() as session:
                append_events(session, rows)
        services.database.dispose()
