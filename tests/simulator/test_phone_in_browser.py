"""The README's first minute, driven in a real browser: a customer writes, and is answered.

The picture in the README is what this test sees: `PHONE_PICTURE=docs/phone.png .venv/bin/pytest <this file>`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.load.gateway import APP_SECRET, Gateway, running

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
    if "PHONE_PICTURE" in os.environ:
        assert browser.save_screenshot(os.environ["PHONE_PICTURE"])


def _wait(browser: webdriver.Chrome, text: str) -> None:
    WebDriverWait(browser, SECONDS).until(lambda seen: text in seen.find_element(By.ID, "messages").text)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A whole gateway as on its first day: embedded worker, simulator and echo bot."""
    first_day = {"SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": ""}
    with running(Gateway(tmp_path, first_day)) as ours:
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
