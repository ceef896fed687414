"""The house in a real browser: it refreshes itself, keeps to the content policy, and has nothing for axe-core."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from werkzeug.serving import make_server

from app.container import Gateway
from app.db.database import Database
from app.store import traffic
from app.store.traffic import TrafficCount
from tests.conftest import on_sqlite
from tests.factories import PNID, message_body, text
from tests.people import add

pytestmark = on_sqlite

QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
)  # fmt: skip
SECONDS = 20
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE = """const done = arguments[1], told = each => each.id + " " + each.nodes[0].html;
axe.run(document, {runOnly: arguments[0]}).then(found => done(found.violations.map(told)))"""
BEYOND = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_an_admin_watches_the_house(
    app: Flask, gateway: Gateway, database: Database, receive: Callable[..., None], browser: webdriver.Chrome
) -> None:
    endpoint, _ = gateway.manage_endpoints.add({"url": "https://app.example/", "description": "Shop"})
    receive(message_body(text("Hola")))
    gateway.quick_replies.add("hours", "9 to 18")
    gateway.labels.add("VIP")
    root = add(gateway, "Root", "admin")
    link = gateway.people.make_link(root.id)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        home = f"http://127.0.0.1:{server.server_port}"
        browser.get(f"{home}/inbox/sign-in/{link}")
        browser.find_element(By.CSS_SELECTOR, "main form button").click()
        WebDriverWait(browser, SECONDS).until(lambda seen: "/sign-in" not in seen.current_url)
        browser.get(f"{home}/inbox/house")
        browser.execute_script("window.isSamePage = true; document.getElementById('figures').open = true")
        with database.write() as session:
            at = datetime.now(UTC) - timedelta(minutes=2)
            traffic.add(session, [TrafficCount(at, PNID, "message.received", 4711)])
        browser.execute_script("document.dispatchEvent(new Event('visibilitychange'))")

        WebDriverWait(browser, SECONDS).until(lambda seen: "4,711" in seen.page_source)
        assert browser.execute_script("return window.isSamePage && document.getElementById('figures').open")
        picture = browser.find_element(By.CSS_SELECTOR, "img.plot")
        WebDriverWait(browser, SECONDS).until(lambda seen: seen.execute_script("return arguments[0].complete", picture))
        assert browser.execute_script("return arguments[0].naturalWidth", picture) > 0
        house = ("house", "house/endpoints", f"house/endpoints/{endpoint.id}", f"house/numbers/{PNID}")
        for path in (*house, "quick-replies", "labels", "people", "messages"):
            browser.get(f"{home}/inbox/{path}")
            assert violations(browser) == [], path
        browser.find_element(By.CSS_SELECTOR, ".found a").click()
        assert violations(browser) == []
        gateway.people.prefer(root.id, language="es", theme=None)
        browser.get(f"{home}/inbox/house")
        assert browser.execute_script(BEYOND) == 0, "the page scrolls sideways"
        assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def violations(browser: webdriver.Chrome) -> list[str]:
    """Return what axe-core finds on the page."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None and spec.submodule_search_locations
    browser.execute_script((Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text("utf-8"))
    found: list[str] = browser.execute_async_script(AXE, TAGS)
    return found


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    """Debian's Chromium, without a head. Skipped where there is none."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no chromium or chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    with tempfile.TemporaryDirectory() as profile:
        for argument in (*QUIET, f"--user-data-dir={profile}", "--lang=en", "--accept-lang=en"):
            options.add_argument(argument)
        started = webdriver.Chrome(options, webdriver.ChromeService(driver))
        try:
            yield started
        finally:
            started.quit()
