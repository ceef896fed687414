"""The README's first minute, driven in a real browser: a customer writes, and is answered.

The picture in the README is what the second test sees: `PHONE_PICTURE=docs/phone.png .venv/bin/pytest <this file>`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import invisibility_of_element
from selenium.webdriver.support.ui import WebDriverWait

from simulator.faults.rules import Fault
from simulator.server import SimulatorServer
from simulator.settings import CustomerProfile, MetaApp, Pace, SimulatorSettings
from tests.load.gateway import APP_SECRET, ONE_WEB, Gateway, running

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=430,900",
    "--force-device-scale-factor=1.5",
)  # fmt: skip
SECONDS = 20


def test_a_customer_writes_and_is_answered(gateway: Gateway, browser: webdriver.Chrome) -> None:
    browser.get(gateway.wait_simulator())
    box = browser.find_element(By.ID, "text")
    box.send_keys("Hola, necesito ayuda", Keys.ENTER)

    _wait(browser, "You said: Hola, necesito ayuda")
    box.send_keys("<b>¿A qué hora abren?</b>", Keys.ENTER)
    _wait(browser, "You said: <b>¿A qué hora abren?</b>")

    assert len(browser.find_elements(By.CSS_SELECTOR, "#messages li")) >= 4
    assert not browser.find_elements(By.CSS_SELECTOR, "#messages b")
    assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]


@pytest.mark.parametrize("gateway", [{"HANDLERS": "examples.handlers_bot"}], indirect=True)
def test_a_customer_presses_a_button_of_the_example_bot(gateway: Gateway, browser: webdriver.Chrome) -> None:
    browser.set_window_size(430, 900)
    browser.get(gateway.wait_simulator())
    box = browser.find_element(By.ID, "text")
    box.send_keys("Hola", Keys.ENTER)
    _wait(browser, "Write menu to see what I can do.")
    box.send_keys("menu", Keys.ENTER)
    _wait(browser, "What can we do for you?")

    hours = (By.XPATH, "//*[@id='messages']//button[contains(., 'Opening hours')]")
    # The list is drawn anew whenever something comes, and a button may be gone between found and pressed.
    WebDriverWait(browser, SECONDS, ignored_exceptions=[StaleElementReferenceException]).until(
        lambda seen: seen.find_element(*hours).click() is None
    )

    _wait(browser, "Monday to Friday, 9 to 18.")
    WebDriverWait(browser, SECONDS).until(lambda seen: seen.execute_script("return !document.getAnimations().length"))
    if "PHONE_PICTURE" in os.environ:
        assert browser.save_screenshot(os.environ["PHONE_PICTURE"])


def test_a_phone_keeps_its_owner_and_says_what_happened(browser: webdriver.Chrome) -> None:
    """A simulator alone, whose business takes nothing: who was opened by address, a document's name, a failure."""
    app = MetaApp(webhook_url="http://127.0.0.1:9/webhook")
    people = (*SimulatorSettings().customers, *(CustomerProfile(f"3460000{n:04}", f"Person {n}") for n in range(300)))
    pace = Pace(first_retry_after=0.05, retries_for=0.1)
    server = SimulatorServer(SimulatorSettings(port=0, apps=(app,), pace=pace, customers=people, enforce_window=False))
    server.start()
    try:
        browser.get(f"{server.url}/?customer=447700900123")
        browser.find_element(By.ID, "text").send_keys("Hello", Keys.ENTER)
        (ticks,) = WebDriverWait(browser, SECONDS).until(lambda seen: seen.find_elements(By.CSS_SELECTOR, ".ticks"))
        assert ticks.get_attribute("aria-label") == "sent; the business has not taken it yet"
        document = {"link": "https://files.example/2026/la%20cuenta.pdf?key=secret"}
        body = {"messaging_product": "whatsapp", "to": "447700900123", "type": "document", "document": document}
        path = f"{server.url}/v26.0/{SimulatorSettings().numbers[0].phone_number_id}/messages"
        assert requests.post(path, json=body, headers={"Authorization": "Bearer EAAsimulated"}, timeout=20).ok
        _wait(browser, "la cuenta.pdf")
        body["to"], body["document"] = "447700900123", {"link": "https://files.example/x"}
        server.simulator.world.faults.add(Fault("fail", code=131026, times=1))
        assert requests.post(path, json=body, headers={"Authorization": "Bearer EAAsimulated"}, timeout=20).ok
        _wait(browser, "not delivered: Message undeliverable (131026)")

        browser.find_element(By.ID, "open-settings").click()
        WebDriverWait(browser, SECONDS).until(lambda seen: seen.find_elements(By.NAME, "customer"))
        who = browser.find_element(By.NAME, "customer")
        assert (who.get_attribute("value") or "").endswith("+447700900123")
        if "PHONE_SETTINGS_PICTURE" in os.environ:
            browser.save_screenshot(os.environ["PHONE_SETTINGS_PICTURE"])
        browser.find_element(By.ID, "sheet-done").click()
        WebDriverWait(browser, SECONDS).until(invisibility_of_element(who))
        assert "customer=447700900123" in browser.current_url

        browser.find_element(By.ID, "open-settings").click()  # which draws the sheet anew
        WebDriverWait(browser, SECONDS, ignored_exceptions=[StaleElementReferenceException]).until(
            lambda seen: (field := seen.find_element(By.NAME, "customer")) != who and field.is_displayed()
        )
        who = browser.find_element(By.NAME, "customer")
        who.clear()
        who.send_keys("Person 277 +34600000277")
        browser.find_element(By.ID, "sheet-done").click()
        WebDriverWait(browser, SECONDS).until(lambda seen: "customer=34600000277" in seen.current_url)
    finally:
        server.stop()


def _wait(browser: webdriver.Chrome, text: str) -> None:
    WebDriverWait(browser, SECONDS).until(lambda seen: text in seen.find_element(By.ID, "messages").text)


@pytest.fixture
def gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """A whole gateway as on its first day: embedded worker, simulator and echo bot. A parameter adds settings."""
    first_day = {"SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": ""}
    with running(Gateway(tmp_path, first_day | ONE_WEB | getattr(request, "param", {}))) as ours:
        yield ours


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    """Headless Chromium with a profile of its own."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        if os.environ.get("CI"):
            pytest.fail("chromium and chromedriver are missing")
        pytest.skip("chromium and chromedriver are missing")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory() as profile:
        for argument in (*QUIET, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        found = webdriver.Chrome(options, webdriver.ChromeService(driver))
        try:
            yield found
        finally:
            found.quit()
