"""What a second worker on PostgreSQL changes: how late and in which order messages reach the app, and the rate.

`python -m benchmarks.workers [--pairs 3] [--seconds 20] [--rate 40] [--contacts 10] [--backlog 4000]`. Makes databases
of its own on TEST_POSTGRES_URL, and drops them. Webhooks of a few contacts are posted one after another, each at its
time; with one worker and with two, in turns. Then a backlog of many contacts is worked off by one and by two.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.security.standard_webhooks import new_secret
from benchmarks.figures import Figure, at_most, middle
from benchmarks.load import percentile
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.connection import Connection, raw_request
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.postgres import own_database
from tests.load.senders import PATH, post_all
from tests.subscriber import ALLOWED, Handler, Posted, subscriber

LATE_SECONDS = 5.0
SETTLE_SECONDS = 150.0

WARM_SECONDS = 4.0
"""Webhooks are posted for so long before the time to the app counts: each worker starts a process that makes calls, and
two that start at once on two cores have none left. Order and loss count from the first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the app saw: seconds from post to arrival, ascending, and how many came after a later one of the contact."""

    seconds: list[float]
    overtaken: int
    missing: int

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return 1000 * percentile(self.seconds, 0.99)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=40)
    parser.add_argument("--contacts", type=int, default=10)
    parser.add_argument("--backlog", type=int, default=4000)
    given = parser.parse_args()
    seen: dict[int, list[Seen]] = {1: [], 2: []}
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(given.pairs):
        for workers in (1, 2):
            seen[workers].append(_posts(workers, given.seconds, given.rate, given.contacts))
            _say(workers, seen[workers][-1])
        for workers in (1, 2):
            if given.backlog:
                rates[workers].append(_backlog(workers, given.backlog))
                print(f"{workers} worker(s): a backlog of {given.backlog} at {rates[workers][-1]:,.0f}/s", flush=True)
    for figure in _figures(seen, rates):
        print(figure.as_line())


def _figures(seen: dict[int, list[Seen]], rates: dict[int, list[float]]) -> Iterator[Figure]:
    ratios = [two.p99 / one.p99 for one, two in zip(seen[1], seen[2], strict=True)]
    yield at_most("p99 to the app, two workers ÷ one", 1.1, middle(ratios), "")
    for workers, runs in seen.items():
        yield at_most(f"overtaken by a later one, {workers} worker(s)", 0, sum(run.overtaken for run in runs), "")
        yield at_most(f"never came, {workers} worker(s)", 0, sum(run.missing for run in runs), "")
    for workers, found in rates.items():
        if found:
            yield Figure(f"backlog, {workers} worker(s)", middle(found), "/s")


def _say(workers: int, seen: Seen) -> None:
    late = sum(seconds > LATE_SECONDS for seconds in seen.seconds)
    print(
        f"{workers} worker(s): {len(seen.seconds)} came, p50 {1000 * percentile(seen.seconds, 0.5):,.0f} ms,"
        f" p99 {seen.p99:,.0f} ms, longest {seen.seconds[-1]:.1f} s, {late} later than {LATE_SECONDS:.0f} s,"
        f" {seen.overtaken} overtaken, {seen.missing} never came", flush=True,
    )  # fmt: skip


def _posts(workers: int, seconds: float, rate: float, contacts: int) -> Seen:
    came: dict[str, float] = {}

    def reply(handler: Handler, posted: Posted) -> None:
        data = json.loads(posted.body)["data"]
        came.setdefault(data["message_id"], time.monotonic())
        handler.answer()

    maker = Maker(APP_SECRET, 51, contacts=contacts)
    webhooks = [maker.one_text() for _ in range(int((WARM_SECONDS + seconds) * rate))]
    posted: dict[str, float] = {}
    with subscriber(reply) as app, _gateway({"FORWARD_URL": app.url}) as gateway:
        for _ in range(workers):
            gateway.start_worker()
        books = Books(gateway)
        _wait(lambda: books.count("workers") == workers and books.count("endpoints") == 1, 60)
        connection = Connection(("127.0.0.1", gateway.port))
        began = time.monotonic()
        for number, webhook in enumerate(webhooks):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            posted[webhook.messages[0]] = time.monotonic()
            connection.post(raw_request(gateway.url + PATH, webhook), 0.0)
            assert connection.whole_answer() == 200
        connection.close()
        _wait(lambda: len(came) == len(webhooks), SETTLE_SECONDS, must=False)
        of_contact = dict(books.rows("SELECT wamid, contact_id FROM messages"))
    counted = list(posted)[int(WARM_SECONDS * rate) :]
    return Seen(
        sorted(came[each] - posted[each] for each in counted if each in came),
        _overtaken(list(came), list(posted), of_contact),
        len(posted.keys() - came.keys()),
    )


def _overtaken(came: list[str], posted: list[str], of_contact: dict[str, str]) -> int:
    """How many came after one of their contact's that was posted later."""
    place = {wamid: number for number, wamid in enumerate(posted)}
    newest: dict[str, int] = {}
    count = 0
    for wamid in came:
        contact = of_contact[wamid]
        count += place[wamid] < newest.get(contact, -1)
        newest[contact] = max(place[wamid], newest.get(contact, -1))
    return count


def _backlog(workers: int, count: int) -> float:
    with _gateway({}) as gateway:
        post_all(gateway, Maker(APP_SECRET, 52, contacts=2000).mixed(count), seconds=300)
        for _ in range(workers):
            gateway.start_worker()
        books = Books(gateway)
        books.wait_settled()
        took, done = books.rows(
            "SELECT extract(epoch FROM max(processed_at) - min(processed_at)), count(*) FROM notifications"
        )[0]
    return float(done) / max(float(took), 0.001)


@contextmanager
def _gateway(settings: dict[str, str]) -> Iterator[Gateway]:
    ours = {"WORKER": "external", "FORWARD_SECRET": new_secret(), "FORWARD_ALLOW_NETS": ALLOWED}
    with own_database() as url, tempfile.TemporaryDirectory() as directory:
        with running(Gateway(Path(directory) / "gateway", ours | settings, database_url=url)) as gateway:
            yield gateway


def _wait(condition: Callable[[], bool], seconds: float, *, must: bool = True) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            assert not must, "it did not come true in time"
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main()
