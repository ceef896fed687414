"""Pictures of the inbox, to be looked at: light and dark, phone and desktop, in every language.

    .venv/bin/python -m benchmarks.inbox_pictures FOLDER [--only WORD]

Starts a gateway with the simulated Meta, lets a shop's day happen (`inbox_day`), signs in, and writes a PNG of each
page, named `page-size-theme-language.png`. `--only` takes those whose name holds the word.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

from benchmarks.inbox_day import ANA, Day, live
from tests.load.gateway import APP_SECRET, BIN, Gateway, running

SIZES = {"desktop": (1280, 800), "wide": (1600, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
LANGUAGES = ("en", "es", "pt")
PAGES = {
    "list": ("/inbox", ""),
    "thread": ("/inbox/{ana}", ""),
    "panel": ("/inbox/{ana}?panel=1", ""),
    "closed": ("/inbox/{ana}?show=closed", ""),
    "templates": ("/inbox/{ana}/templates?name=pedido_enviado&language=es&value.body.1=Ana", ""),
    "emoji": ("/inbox/{ana}", "document.getElementById('emoji-button').click()"),
    "help": ("/inbox/{ana}", "document.getElementById('help').showModal()"),
}
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-device-scale-factor=2",
)  # fmt: skip


def main() -> None:
    """Take the pictures."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--only", default="")
    given = asked.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": "",
        "ECHO_BOT": "false", "WEB_CONCURRENCY": "1",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, running(Gateway(Path(folder), settings)) as gateway:
        day = Day(gateway.url, gateway.wait_simulator())
        live(day)
        ana = day.conversation(ANA)
        time.sleep(3)
        for language in LANGUAGES:
            names = [
                (page, size, theme)
                for page, size, theme in product(PAGES, SIZES, THEMES)
                if given.only in f"{page}-{size}-{theme}-{language}"
            ]
            if names:
                _take(gateway, ana, language, names, given.folder)


def _take(gateway: Gateway, ana: str, language: str, names: list[tuple[str, str, str]], folder: Path) -> None:
    with browser_in(language) as browser:
        browser.get(link_for(gateway, f"Lucía {language}"))
        browser.find_element(By.CSS_SELECTOR, "main form button").click()
        for page, size, theme in names:
            width, height = SIZES[size]
            look = {"name": "prefers-color-scheme", "value": theme}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [look]})
            metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": size == "phone"}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            path, script = PAGES[page]
            browser.get(gateway.url + path.format(ana=ana))
            time.sleep(1.2)
            if script:
                browser.execute_script(script)
                time.sleep(0.4)
            browser.save_screenshot(str(folder / f"{page}-{size}-{theme}-{language}.png"))
            sys.stdout.write(f"{page}-{size}-{theme}-{language}\n")


def link_for(gateway: Gateway, name: str) -> str:
    command = [str(BIN / "flask"), "people", "add", name, "--role", "admin"]
    made = subprocess.run(command, cwd=gateway.root, env=gateway.env, capture_output=True, text=True, timeout=60)
    found = re.search(r"http\S+/sign-in/\S+", made.stdout)
    if found is None:
        raise RuntimeError(made.stdout + made.stderr)
    return found[0]


@contextmanager
def browser_in(language: str) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory() as profile:
        for argument in (*QUIET, f"--lang={language}", f"--accept-lang={language}", f"--user-data-dir={profile}"):
            options.add_argument(argument)
        browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            yield browser
        finally:
            browser.quit()


if __name__ == "__main__":
    main()
