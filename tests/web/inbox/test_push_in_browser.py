"""The button for notifications, and the notification itself, in a real browser.

Chromium without its vendor's keys reaches no push service: the page's `subscribe` is replaced, and the message is
handed to the service worker by the browser's own tools.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress

from flask import Flask
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from werkzeug.serving import make_server

from app.container import Gateway
from tests.conftest import on_sqlite
from tests.people import add
from tests.services.push.devices import Device
from tests.web.inbox.test_house_in_browser import SECONDS
from tests.web.inbox.test_house_in_browser import browser as browser  # noqa: F401

pytestmark = on_sqlite

DELIVERED_SECONDS = 1
"""How long a message may take from the browser's tools to the screen until it is handed over again."""

REPLACED = """const made = {endpoint: %(endpoint)s, toJSON: () => (%(subscription)s),
  unsubscribe: async () => { sessionStorage.removeItem("push"); return true; }};
PushManager.prototype.getSubscription = async () => sessionStorage.getItem("push") ? made : null;
PushManager.prototype.subscribe = async ({applicationServerKey}) => {
  sessionStorage.setItem("push", applicationServerKey); return made; };"""
IS_ACTIVE = """const done = arguments[0];
navigator.serviceWorker.ready.then((ready) => done(ready.active.state === "activated"));"""
SHOWN = """const done = arguments[0];
navigator.serviceWorker.ready.then((ready) => ready.getNotifications())
  .then((all) => done(all.map((each) => [each.title, each.body, each.tag, each.data.conversation])));"""


def test_a_device_is_allowed_told_and_stopped(
    app: Flask, gateway: Gateway, browser: webdriver.Chrome  # noqa: F811
) -> None:
    ana, device = add(gateway), Device()
    link = gateway.people.make_link(ana.id)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        home = f"http://127.0.0.1:{server.server_port}"
        browser.execute_cdp_cmd("Browser.grantPermissions", {"origin": home, "permissions": ["notifications"]})
        words = {"endpoint": json.dumps(device.endpoint), "subscription": json.dumps(device.subscription)}
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": REPLACED % words})
        browser.get(f"{home}/inbox/sign-in/{link}")
        browser.find_element(By.CSS_SELECTOR, "main form button").click()
        # Another page asked for at once could cut the sign-in off.
        WebDriverWait(browser, SECONDS).until(lambda seen: "/sign-in" not in seen.current_url)
        browser.get(f"{home}/inbox/me")

        press(browser, "Notify me on this device", "Stop notifications on this device")
        assert gateway.push.of(ana.id) == [device.endpoint]
        assert browser.execute_script("return sessionStorage.push") == gateway.push.public_key()
        browser.refresh()
        wait_for(browser, "Stop notifications on this device")

        told = json.dumps({"title": "Somebody waits", "body": "+15550100100", "conversation": "c1"})
        assert shown_after(browser, home, told) == [["Somebody waits", "+15550100100", "c1", "c1"]]

        press(browser, "Stop notifications on this device", "Notify me on this device")
        assert gateway.push.of(ana.id) == []
        assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def shown_after(browser: webdriver.Chrome, home: str, told: str) -> list[list[str]]:  # noqa: F811
    """Hand a message to the worker, and return the notifications that are shown then.

    It is handed over again while none is: the browser drops a message for a worker that is not active, without a word,
    and forgets a notification that is asked for between its making and its showing. One of the same tag replaces it.
    """
    WebDriverWait(browser, SECONDS).until(lambda seen: seen.execute_async_script(IS_ACTIVE))
    browser.execute_cdp_cmd("ServiceWorker.enable", {})
    message = {"origin": home, "registrationId": "0", "data": told}  # the first one of a fresh profile

    def delivered(seen: webdriver.Chrome) -> list[list[str]]:
        seen.execute_cdp_cmd("ServiceWorker.deliverPushMessage", message)
        with suppress(TimeoutException):
            return WebDriverWait(seen, DELIVERED_SECONDS).until(lambda _: seen.execute_async_script(SHOWN))
        return []

    return WebDriverWait(browser, SECONDS).until(delivered)


def wait_for(browser: webdriver.Chrome, words: str) -> None:  # noqa: F811
    WebDriverWait(browser, SECONDS).until(lambda seen: seen.find_element(By.CSS_SELECTOR, "#push button").text == words)


def press(browser: webdriver.Chrome, words: str, afterwards: str) -> None:  # noqa: F811
    """Press the button once it is shown with these words, and wait until it shows others."""
    wait_for(browser, words)
    browser.find_element(By.CSS_SELECTOR, "#push button").click()
    wait_for(browser, afterwards)
