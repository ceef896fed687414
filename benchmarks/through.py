"""The whole way, sustained: signed webhooks in, normalised, posted to an app in the order of each contact.

    python -m benchmarks.through [--quick] [--pairs 5] [--against COMMIT] [--delay 0.1] [--database-url postgresql://…]

Queued sends are made first. Then Meta's webhooks come at a fixed rate: one message of a customer to three statuses of
those sends, as an ordinary number gets them. A rate is held if every event reaches the app, with a p99 of 500 ms from
the time at which its webhook was due, and if the lag does not grow. The highest such rate is sought by steps. With
`--against` another build is measured in turn with this one, and the ratio of each pair is what counts.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.security.standard_webhooks import new_secret
from benchmarks.figures import HEADING, Figure, at_least, middle
from benchmarks.load import percentile
from benchmarks.traffic import Key, Sent, Traffic
from tests.load.bodies import Maker, Webhook
from tests.load.gateway import API_KEY, APP_SECRET, ROOT, Gateway, running
from tests.load.postgres import own_database
from tests.load.senders import PATH

BULK = 1000
CONTACTS = 2000
STEP = 1.25
"""By how much the next rate differs. At the end one rate in between is tried, so a figure is good to an eighth."""

P99_SECONDS = 0.5
WARM_SECONDS = 2.0
SETTLE_SECONDS = 15.0
STATUSES, LATER = ("sent", "delivered", "read"), (0, 10, 40)


@dataclass(frozen=True, slots=True)
class Held:
    """One rate, tried. Times are seconds; `middles` are the medians of the lag in the second and the last quarter."""

    rate: float
    p50: float
    p99: float
    middles: tuple[float, float]
    missing: int
    refused: int

    def __bool__(self) -> bool:
        early, late = self.middles
        return not self.missing and not self.refused and self.p99 <= P99_SECONDS and late <= 1.5 * early + 0.02

    def as_line(self) -> str:
        """One line of what was seen."""
        early, late = (1000 * each for each in self.middles)
        verdict = "held" if self else "not held"
        return (
            f"{self.rate:,.0f}/s {verdict}: p50 {1000 * self.p50:,.0f} ms, p99 {1000 * self.p99:,.0f} ms, median"
            f" {early:,.0f} and then {late:,.0f} ms, {self.missing} never came, {self.refused} refused"
        )


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long a rate must be held")
    parser.add_argument("--quick", action="store_true", help="a rate is held for 8 seconds, and there is one pair")
    parser.add_argument("--against", default="", metavar="COMMIT", help="measure this build in turn with ours")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that the app takes to answer")
    parser.add_argument("--begin", type=float, default=400.0, help="the first rate that is tried")
    parser.add_argument("--begin-against", type=float, default=0.0, help="the same for the other build")
    parser.add_argument("--database-url", default="", help="a PostgreSQL server to make databases on")
    given = parser.parse_args()
    pairs, seconds = (1, 8.0) if given.quick else (given.pairs, given.seconds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-through-")))
        sides = {"this build": ROOT}
        if given.against:
            sides[given.against] = _build(given.against, folder / "build")
        begin = dict.fromkeys(sides, given.begin) | {given.against: given.begin_against or given.begin}
        found: dict[str, list[float]] = {side: [] for side in sides}
        for pair in range(pairs):
            for side, root in sides.items():
                with _gateway(folder / f"{pair}-{len(found[side])}-{root.name}", root, given.database_url) as gateway:
                    best = asyncio.run(_search(gateway, begin[side], seconds, given.delay, side))
                found[side].append(best)
                begin[side] = best or begin[side] / 2
    print(HEADING)
    for figure in _figures(found, 6.0 if given.delay else 4.0):
        print(figure.as_line())


def _figures(found: dict[str, list[float]], target: float) -> Iterator[Figure]:
    for side, rates in found.items():
        yield Figure(f"webhooks to the app, {side}", middle(rates), "/s")
    if len(found) > 1:
        ours, theirs = found.values()
        ratios = [one / other for one, other in zip(ours, theirs, strict=True) if other]
        if ratios:
            yield at_least("this build ÷ the other", target, middle(ratios))


@contextmanager
def _gateway(folder: Path, root: Path, server: str) -> Iterator[Gateway]:
    """A gateway whose Graph and app are yet to come: `_search` starts it when it knows where these listen."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        url = stack.enter_context(own_database(server)) if server else ""
        yield Gateway(folder, database_url=url, root=root)


async def _search(gateway: Gateway, begin: float, seconds: float, delay: float, side: str) -> float:
    """Return the highest rate that is held; 0 if none is."""
    traffic = Traffic()
    app, app_url = await traffic.serve(is_graph=False)
    graph, graph_url = await traffic.serve(is_graph=True)
    gateway.extra = {
        "FORWARD_URL": f"{app_url}/events", "FORWARD_SECRET": new_secret(), "FORWARD_ALLOW_NETS": "127.0.0.0/8",
        "GRAPH_API_URL": graph_url, "MESSAGES_PER_SECOND": "1000",
    }  # fmt: skip
    best, worst, rate = 0.0, 0.0, begin
    with running(gateway):
        trial = Trial(gateway, traffic, seconds, delay)
        while rate > 20:
            held = await trial.run(rate)
            print(f"{side}: {held.as_line()}", flush=True)
            best, worst = (rate, worst) if held else (best, rate)
            if best and worst:
                break
            rate = rate * STEP if held else rate / STEP
        if best and worst:
            held = await trial.run((best * worst) ** 0.5)
            print(f"{side}: {held.as_line()}", flush=True)
            best = held.rate if held else best
    for server in (app, graph):
        server.close()
    return best


class Trial:
    """Tries rates on one gateway, one after another."""

    def __init__(self, gateway: Gateway, traffic: Traffic, seconds: float, delay: float) -> None:
        self._gateway = gateway
        self._traffic = traffic
        self._seconds = seconds
        self._delay = delay
        self._maker = Maker(APP_SECRET, time.time_ns() % 2**32, timestamp=int(time.time()), contacts=CONTACTS)

    async def run(self, rate: float) -> Held:
        """Try a rate for as long as it must be held, after some seconds that do not count."""
        traffic = self._traffic
        count = int(rate * (self._seconds + WARM_SECONDS)) // 4 * 4
        traffic.delay, traffic.arrivals, traffic.refused, traffic.broken = self._delay, {}, 0, 0
        sent = await self._send(count // 4)
        webhooks, keys = self._webhooks(sent)
        dues = await traffic.post(self._gateway.url + PATH, webhooks, rate)
        until = time.perf_counter() + SETTLE_SECONDS
        while len(traffic.arrivals.keys() & set(keys)) < len(keys) and time.perf_counter() < until:
            await asyncio.sleep(0.2)
        lags = [traffic.arrivals.get(key, until) - due for key, due in zip(keys, dues, strict=True)]
        missing = sum(key not in traffic.arrivals for key in keys)
        counted = lags[int(rate * WARM_SECONDS) :]
        quarter, ordered = len(counted) // 4, sorted(counted)
        middles = middle(counted[quarter : 2 * quarter]), middle(counted[3 * quarter :])
        p50, p99 = percentile(ordered, 0.5), percentile(ordered, 0.99)
        await self._wait_until_quiet()
        return Held(rate, p50, p99, middles, missing, traffic.refused + traffic.broken)

    async def _send(self, count: int) -> list[Sent]:
        """Queue sends, wait until Graph has them and nothing about them moves any more, and return them."""
        before = len(self._traffic.sent)
        for first in range(0, count, BULK):
            await asyncio.to_thread(self._queue, first, min(BULK, count - first))
        until = time.perf_counter() + 120
        while len(self._traffic.sent) < before + count:
            if time.perf_counter() > until:
                raise RuntimeError(f"Graph got {len(self._traffic.sent) - before} of {count}: {self._gateway.tail()}")
            await asyncio.sleep(0.1)
        await self._wait_until_quiet()
        return self._traffic.sent[before:]

    async def _wait_until_quiet(self) -> None:
        until = time.perf_counter() + 60
        while time.perf_counter() - self._traffic.last_at < 1.0 and time.perf_counter() < until:
            await asyncio.sleep(0.2)

    def _queue(self, first: int, count: int) -> None:
        messages = [
            {"to": f"+34600{number % CONTACTS:06d}", "message": f"message {number}"}
            for number in range(first, first + count)
        ]
        headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
        body = json.dumps({"messages": messages}).encode()
        answer = self._gateway.request("POST", "/api/messages/bulk", body, headers, timeout=60).json()
        if not all(each["success"] for each in answer["data"]):
            raise RuntimeError(f"sends were not queued: {answer['data'][0]}")

    def _webhooks(self, sent: list[Sent]) -> tuple[list[Webhook], list[Key]]:
        """Return webhooks, and for each what the app must get: for each send a customer's message and its statuses.

        A status follows the one before it when some others have come: `LATER` sends on.
        """
        webhooks: list[Webhook] = []
        keys: list[Key] = []
        for at in range(len(sent) + LATER[-1]):
            if at < len(sent):
                text = self._maker.one_text()
                webhooks.append(text)
                keys.append((text.messages[0], ""))
            for status, later in zip(STATUSES, LATER, strict=True):
                if 0 <= at - later < len(sent):
                    webhooks.append(self._status(sent[at - later], status))
                    keys.append((sent[at - later].wamid, status))
        return webhooks, keys

    def _status(self, sent: Sent, status: str) -> Webhook:
        body = self._maker.status(sent.wamid, status)
        name = sent.to.lstrip("+")
        body |= {"recipient_id": name, "recipient_user_id": f"ES.44110022003{name[5:]}",
                 "recipient_parent_user_id": f"ES.ENT.44110022003{name[5:]}",
                 "timestamp": str(int(time.time()))}  # fmt: skip
        del body["biz_opaque_callback_data"]
        if sent.callback_data is not None:
            body["biz_opaque_callback_data"] = sent.callback_data
        contact = {"profile": {"name": f"Ana {int(name[5:])}", "username": f"u.{name}"}, "wa_id": name,
                   "user_id": body["recipient_user_id"]}  # fmt: skip
        return self._maker.webhook([self._maker.value(contacts=[contact], statuses=[body])])


def _build(commit: str, folder: Path) -> Path:
    """The project as it was at a commit."""
    wanted = ["git", "archive", "--format=tar", commit, "app", "wsgi.py", "gunicorn.conf.py"]
    archive = subprocess.run(wanted, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


if __name__ == "__main__":
    main()
