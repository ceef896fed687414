"""Pictures of the house and of stories, to be looked at; and axe-core's opinion of each page.

    .venv/bin/python -m benchmarks.house_pictures FOLDER [--only WORD]

Starts a gateway with the simulated Meta, lets a shop's day happen, adds an hour and a month of counts, an app that
fails, a batch, an alert and a webhook that was set aside, signs in, and writes a PNG of each page, named
`page-size-theme-language.png`. `--only` takes those whose name holds the word. Exits with 1 if axe-core finds a
violation of WCAG 2.2 A or AA.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from selenium.webdriver.common.by import By

from app.db.database import Database
from app.domain.latencies import BOUNDS, DELIVERED, PROCESSED, SENT, bucket_of
from app.ids import new_id
from app.models import Alert, Delivery, Endpoint, Notification, PricedMessages, SeenUsage
from app.store import traffic
from app.store.traffic import TrafficCount
from benchmarks.inbox_day import ANA, KEY, NUMBER, Day, live
from benchmarks.inbox_pictures import LANGUAGES, SIZES, THEMES, browser_in, link_for
from tests.load.gateway import APP_SECRET, Gateway, running

PAGES = {
    "overview": "/inbox/house", "month": "/inbox/house?period=month", "numbers": "/inbox/house/numbers",
    "number": "/inbox/house/numbers/{number}", "endpoints": "/inbox/house/endpoints",
    "endpoint": "/inbox/house/endpoints/{endpoint}", "dead": "/inbox/house/endpoints/{endpoint}/deliveries?state=dead",
    "delivery": "/inbox/house/deliveries/{delivery}", "batches": "/inbox/house/batches",
    "webhooks": "/inbox/house/webhooks", "webhook": "/inbox/house/webhooks/{webhook}", "cost": "/inbox/house/cost",
    "alerts": "/inbox/house/alerts", "find": "/inbox/messages", "failed": "/inbox/messages/{failed}",
    "story": "/inbox/messages/{story}",
}  # fmt: skip
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def main() -> int:
    """Take the pictures."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--only", default="")
    given = asked.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": "",
        "ECHO_BOT": "false", "WEB_CONCURRENCY": "1", "FORWARD_ALLOW_NETS": "127.0.0.1/32",
    }  # fmt: skip
    violations = 0
    with tempfile.TemporaryDirectory() as folder, running(Gateway(Path(folder), settings)) as gateway:
        day = Day(gateway.url, gateway.wait_simulator())
        places = _set_up(gateway, day)
        for language in LANGUAGES:
            names = [
                each for each in product(PAGES, SIZES, THEMES) if given.only in f"{'-'.join(each)}-{language}"
            ]
            if names:
                violations += _take(gateway, language, names, places, given.folder)
    return 1 if violations else 0


def _set_up(gateway: Gateway, day: Day) -> dict[str, str]:
    """Let things happen; return the ids that addresses of pages hold."""
    import requests

    key = {"Authorization": f"Bearer {KEY}"}
    apps = (("http://127.0.0.1:9/hooks?token=abc", "CRM of the shop"), ("https://tickets.example/in", "Tickets"))
    for url, name in apps:
        asked = {"url": url, "description": name}
        requests.post(f"{day.gateway}/api/endpoints", json=asked, headers=key, timeout=10).raise_for_status()
    live(day)
    messages = [{"to": f"+54911555501{n:02}", "message": "Hoy 2x1", "force": True} for n in range(12)]
    asked_batch = {"name": "Promo de noviembre", "messages": messages}
    requests.post(f"{day.gateway}/api/messages/bulk", json=asked_batch, headers=key, timeout=10).raise_for_status()
    time.sleep(4)
    database = Database(gateway.database_url)
    with database.write() as session:
        traffic.add(session, list(_counts(datetime.now(UTC))))
        session.add_all(_rows(datetime.now(UTC)))
    places = {"number": NUMBER, **_places(database)}
    found = requests.get(f"{day.gateway}/api/messages?status=failed", headers=key, timeout=10).json()["data"]
    newest = requests.get(f"{day.gateway}/api/messages?contact={ANA}", headers=key, timeout=10).json()["data"]
    return places | {"failed": found[0]["id"], "story": newest[0]["id"]}


def _places(database: Database) -> dict[str, str]:
    """Make some deliveries dead letters; return ids of an endpoint, a delivery, a webhook."""
    with database.write() as session:
        endpoint = session.query(Endpoint).order_by(Endpoint.created_at).first()
        webhook = session.query(Notification).order_by(Notification.id.desc()).first()
        rows = session.query(Delivery).filter_by(endpoint_id=endpoint.id).order_by(Delivery.id).limit(9).all()
        for row in rows:
            row.state, row.due_at, row.claim_id = "dead", None, None
            row.reason, row.finished_at = "HTTP 500 for three days", datetime.now(UTC)
        webhook.state, webhook.reason = "parked", "1 of 1 items: text.body must be a string"
        return {"endpoint": endpoint.id, "delivery": str(rows[0].id), "webhook": webhook.id}


def _counts(now: datetime) -> Iterator[TrafficCount]:
    chance = random.Random(5)
    for minute in (*range(1, 180), *range(180, 60 * 24 * 30, 37)):
        at = now - timedelta(minutes=minute)
        busy = 14 + 9 * math.sin(minute / 11) + chance.random() * 6
        for what, times in (("message.received", busy), ("send.accepted", busy * 0.7), ("delivery.delivered", busy)):
            yield TrafficCount(at, NUMBER, what, int(times))
        for what in ("send.refused", "status.failed", "delivery.failed"):
            if chance.random() < 0.12:
                yield TrafficCount(at, NUMBER, what, chance.randint(1, 3))
        for kind, middle in ((PROCESSED, 0.02), (DELIVERED, 0.12), (SENT, 0.3)):
            took = min(middle * chance.lognormvariate(0, 0.5), BOUNDS[-1])
            yield TrafficCount(at, NUMBER, "call", 1, took, took, kind, bucket_of(took))


def _rows(now: datetime) -> Iterator[Any]:
    chance = random.Random(6)
    for back in range(30):
        for category, usual in (("marketing", 120), ("utility", 60), ("service", 240)):
            day = (now - timedelta(days=back)).date().isoformat()
            yield PricedMessages(
                phone_number_id=NUMBER, day=day, category=category, type="regular",
                billable=int(category != "service"), messages=int(usual * (0.6 + chance.random())),
            )  # fmt: skip
    alerts = ((2, "template_paused", "promo_noviembre (es)", False), (50, "quality_low", NUMBER, True))
    for hours, kind, subject, closed in alerts:
        began = now - timedelta(hours=hours)
        yield Alert(id=new_id(), kind=kind, subject=subject, details={"reason": "LOW_QUALITY"}, count=1,
                    first_raised_at=began, last_raised_at=began, closed_at=now if closed else None)  # fmt: skip
    yield SeenUsage(app="default", waba_id="900100200300400", kind="whatsapp", call_count=12, total_cputime=3,
                    total_time=5, minutes_to_wait=0, seen_at=now)  # fmt: skip


def _take(
    gateway: Gateway, language: str, names: list[tuple[str, str, str]], places: dict[str, str], folder: Path
) -> int:
    violations = 0
    with browser_in(language) as browser:
        browser.get(link_for(gateway, f"Rosa {language}"))
        browser.find_element(By.CSS_SELECTOR, "main form button").click()
        for page, size, theme in names:
            width, height = SIZES[size]
            look = {"name": "prefers-color-scheme", "value": theme}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [look]})
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            started = time.perf_counter()
            browser.get(gateway.url + PAGES[page].format(**places))
            took = time.perf_counter() - started
            time.sleep(0.4)
            tall = browser.execute_script("return document.documentElement.scrollHeight")
            too_wide = browser.execute_script("return document.documentElement.scrollWidth > innerWidth")
            metrics["height"] = max(height, min(tall, 4000))
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.save_screenshot(str(folder / f"{page}-{size}-{theme}-{language}.png"))
            found = _violations(browser)
            violations += len(found)
            name = f"{page}-{size}-{theme}-{language}"
            sys.stdout.write(f"{name}: {took * 1000:.0f} ms{', too wide' if too_wide else ''} {'; '.join(found)}\n")
            for each in browser.get_log("browser"):
                sys.stdout.write(f"  {each['level']}: {each['message'][:200]}\n")
    return violations


def _violations(browser: Any) -> list[str]:
    """Return what axe-core finds on the page, as `rule: element`."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None and spec.submodule_search_locations
    browser.execute_script((Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text("utf-8"))
    found = browser.execute_async_script(
        "const done = arguments[1]; axe.run(document, {runOnly: arguments[0]}).then(r => done(r.violations))", TAGS
    )
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


if __name__ == "__main__":
    sys.exit(main())
