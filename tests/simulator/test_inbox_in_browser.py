"""The inbox in a real browser, against a whole gateway and the simulated Meta: one day, in the order of its tests."""

from __future__ import annotations

import base64
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.drills.conftest import IS_LONG
from tests.load.gateway import APP_SECRET, BIN, Gateway, running
from tests.web.inbox.payloads import PAYLOADS

ANA, NUMBER = "5491112345678", "700100200300400"
SECONDS = 20
LOOKS = [(1280, "light"), (390, "dark")] + ([(1280, "dark"), (390, "light")] if IS_LONG else [])
"""Widths and themes: what fits a width does not depend on colours, nor what can be read on the width."""

QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--lang=en",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,850",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
)  # fmt: skip
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGNoYGDAg0alBxEaAGkpDvHvLfxaAAAAAElFTkSuQmCC"

AT_ONCE = """const button = document.querySelector(".pending .failure button");
const waiting = setInterval(() => { if (navigator.onLine) { clearInterval(waiting); button.click(); } }, 1);"""
"""Presses the button of a failed answer as soon as there is a connection again."""


class Agent:
    """An agent's browser."""

    def __init__(self, browser: webdriver.Chrome, url: str, simulator: str) -> None:
        self.browser, self.url, self.simulator = browser, url, simulator.rstrip("/")

    def find(self, selector: str) -> WebElement:
        """The first element that fits."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def wait(self, condition: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """Wait until something is true, and return it."""
        return WebDriverWait(self.browser, seconds, poll_frequency=0.05).until(lambda _: _calmly(condition))

    def last(self) -> str:
        """The text of the newest message."""
        found = self.browser.find_elements(By.CSS_SELECTOR, "#messages li.message")
        return found[-1].text if found else ""

    def write(self, text: str) -> None:
        """Write an answer and press Enter."""
        self.find("#text").send_keys(text, Keys.ENTER)

    def tick(self, text: str, words: str) -> None:
        """Wait until the message with this text has a tick."""
        path = f"//li[contains(@class,'ours')][.//*[contains(text(),'{text}')]]//*[contains(text(),'{words}')]"
        self.wait(lambda: self.browser.find_elements(By.XPATH, path))

    def customer(self, kind: str, content: Any = None, **more: Any) -> dict[str, Any]:
        """Write as Ana."""
        body = {"type": kind, **({kind: content} if content is not None else {}), **more}
        return self.post(f"/simulator/api/chats/{NUMBER}/{ANA}/messages", body)

    def phone(self) -> list[dict[str, Any]]:
        """What Ana's phone shows."""
        found = requests.get(f"{self.simulator}/simulator/api/chats/{NUMBER}/{ANA}", timeout=20).json()
        messages: list[dict[str, Any]] = found["messages"]
        return messages

    def post(self, path: str, body: Any) -> dict[str, Any]:
        """Ask the simulator for something."""
        answer = requests.post(f"{self.simulator}{path}", json=body, timeout=20)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def severe(self) -> list[str]:
        """What the browser's console complained of since it was asked last."""
        return [line["message"] for line in self.browser.get_log("browser") if line["level"] == "SEVERE"]


def _calmly(condition: Callable[[], Any]) -> Any:
    try:
        return condition()
    except Exception:  # the page is just being changed
        return None


def test_a_customer_writes_and_an_agent_sees_it_within_two_seconds(agent: Agent) -> None:
    agent.customer("text", {"body": "Hola, *necesito* ayuda"})
    agent.wait(lambda: "Hola, necesito ayuda" in agent.find("#rows").text)
    agent.find("#rows a[data-open]").click()
    agent.wait(lambda: agent.find("#thread"))

    agent.customer("text", {"body": "¿Están ahí?"})
    began = time.monotonic()
    agent.wait(lambda: "¿Están ahí?" in agent.last(), 5)
    assert time.monotonic() - began < 2.0
    assert agent.find("#messages strong").text == "necesito"


def test_an_agent_answers_and_the_ticks_advance(agent: Agent) -> None:
    agent.write("Sí, ¿qué necesitás?")

    agent.tick("Sí, ¿qué necesitás?", "read")
    assert agent.phone()[-1]["content"]["body"] == "Sí, ¿qué necesitás?"
    assert not agent.browser.find_elements(By.CSS_SELECTOR, ".pending")
    agent.wait(lambda: "Give back to the bot" in agent.find(".thread-top").text)


def test_a_draft_survives_a_reload_and_a_quote_jumps(agent: Agent) -> None:
    asked = agent.browser.find_elements(By.CSS_SELECTOR, "#messages li.theirs")[-1]
    agent.browser.execute_script("arguments[0].classList.add('chosen')", asked)
    agent.find("#scroller").send_keys("r")
    agent.wait(lambda: agent.find("#reply-to").is_displayed())
    agent.find("#text").send_keys("Te ayudo con esto")
    time.sleep(0.3)
    agent.find("#text").send_keys(Keys.ENTER)
    agent.tick("Te ayudo con esto", "read")
    assert agent.phone()[-1]["quoted_id"]
    agent.wait(lambda: agent.find("a.quote")).click()
    agent.wait(lambda: agent.browser.find_elements(By.CSS_SELECTOR, ".message.found"))

    agent.find("#text").send_keys("a medio escri")
    agent.wait(lambda: agent.browser.execute_script("return Object.values(localStorage).includes('a medio escri')"))
    agent.browser.refresh()
    agent.wait(lambda: agent.find("#text").get_attribute("value") == "a medio escri")
    agent.find("#text").clear()
    agent.find("#text").send_keys(" ", Keys.BACKSPACE)


def test_a_failure_is_explained_and_tried_again(agent: Agent) -> None:
    agent.post("/simulator/api/faults", {"kind": "fail", "code": 131026, "times": 1})
    agent.write("Esto no llega")

    box = agent.wait(lambda: agent.find(".failure"))
    assert "could not deliver it" in box.text and "131026" in box.text
    box.find_element(By.CSS_SELECTOR, "button[value=retry]").click()
    agent.tick("Esto no llega", "read")


def test_nothing_that_a_customer_writes_runs_or_styles(agent: Agent) -> None:
    for payload in PAYLOADS[::6]:
        agent.customer("text", {"body": payload.replace("\x00", "")})
    agent.customer("text", {"body": "y con esto termino"})
    agent.wait(lambda: "y con esto termino" in agent.find("#messages").text)

    assert agent.browser.execute_script("return window.hit") is None
    assert not agent.browser.find_elements(By.CSS_SELECTOR, "#messages script, #messages iframe, #messages [style]")
    assert not agent.severe()


def test_an_agent_sends_a_picture_with_its_caption(agent: Agent, tmp_path: Path) -> None:
    picture = tmp_path / "caja.png"
    picture.write_bytes(base64.b64decode(PNG))

    agent.find("#file-input").send_keys(str(picture))
    agent.wait(lambda: agent.find("#files-to-send img"))
    agent.write("Mirá esta caja")

    agent.tick("Mirá esta caja", "read")
    sent = agent.phone()[-1]
    assert (sent["type"], sent["content"]["caption"]) == ("image", "Mirá esta caja")
    loaded = "const all = document.querySelectorAll('#messages .picture img'); const last = all[all.length - 1];"
    agent.wait(lambda: agent.browser.execute_script(f"{loaded} return last.complete && last.naturalWidth === 10"))


def test_a_recording_arrives_as_a_voice_message(agent: Agent) -> None:
    agent.find("#record").click()
    agent.wait(lambda: agent.find("#record-time").text == "0:01")
    agent.find("#record-send").click()

    agent.wait(lambda: agent.phone()[-1]["type"] == "audio" and agent.phone()[-1]["content"].get("voice"))
    agent.wait(lambda: "read" in agent.last() or "delivered" in agent.last())
    path = agent.find("#messages li:last-child audio").get_attribute("src") or ""
    cookies = {each["name"]: each["value"] for each in agent.browser.get_cookies()}
    kept = requests.get(path, cookies=cookies, timeout=20)
    assert kept.ok and len(kept.content) > 1000


def test_an_agent_sends_a_template_that_they_filled_in(agent: Agent) -> None:
    thread = agent.browser.current_url
    agent.find("a[data-templates]").click()
    agent.wait(lambda: agent.browser.find_element(By.PARTIAL_LINK_TEXT, "hello_world")).click()
    agent.wait(lambda: agent.find("#fill-form button:not([hidden])")).click()

    agent.wait(lambda: agent.browser.current_url.startswith(thread.partition("#")[0]))
    agent.wait(lambda: agent.phone()[-1]["type"] == "template")
    agent.wait(lambda: "Welcome and congratulations" in agent.last())


def test_two_agents_see_each_other_and_answers_that_cross_ask_first(agent: Agent, gateway: Gateway) -> None:
    other = _Second(gateway, _link(gateway, "Marcos"))
    thread = agent.find("#thread").get_attribute("data-conversation")
    page = other.get(f"/inbox/{thread}")
    assert all(each in page for each in ("Esto no llega", "Te ayudo con esto", "Lucía"))
    other.post(f"/inbox/{thread}/presence", {"typing": "1"})
    agent.wait(lambda: "Marcos is writing an answer" in agent.find("#presence").text)

    agent.browser.set_network_conditions(offline=True, latency=0, throughput=0)
    agent.find("#text").send_keys("Lo veo ahora")
    other.post(f"/inbox/{thread}/send", {"text": "Ya está resuelto", "key": "marcos-1"})
    agent.find("#text").send_keys(Keys.ENTER)
    agent.wait(lambda: agent.find(".pending .failure button"))
    # Pressed at once: a moment later the page has the other answer, and nothing crosses any more.
    agent.browser.execute_script(AT_ONCE)
    agent.browser.delete_network_conditions()

    question = agent.wait(lambda: agent.find(".composer .crossing"))
    assert "Ya está resuelto" in question.text and "Marcos" in question.text
    question.find_element(By.CSS_SELECTOR, ".btn-strong").click()
    agent.tick("Lo veo ahora", "read")
    agent.severe()  # that there was no connection


def test_the_whole_way_by_keyboard(agent: Agent) -> None:
    agent.find("#text").send_keys(Keys.ESCAPE)
    agent.find("body").send_keys(Keys.ESCAPE)
    agent.wait(lambda: not agent.browser.find_elements(By.ID, "thread"))
    agent.find("body").send_keys("/")
    agent.browser.switch_to.active_element.send_keys("Hola", Keys.ARROW_DOWN)
    agent.wait(lambda: agent.browser.switch_to.active_element.get_attribute("data-open"))
    agent.browser.switch_to.active_element.send_keys(Keys.ENTER)
    agent.wait(lambda: agent.find("#thread"))
    agent.wait(lambda: agent.browser.switch_to.active_element.get_attribute("id") == "text")
    agent.find("#text").send_keys(Keys.ESCAPE)
    agent.find("body").send_keys("?")
    assert agent.wait(lambda: agent.find("#help").is_displayed())
    agent.find("#help button").send_keys(Keys.ENTER)
    agent.find("#search").clear()
    agent.find("#search").send_keys(" ", Keys.BACKSPACE, Keys.ESCAPE)


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_axe_finds_nothing(agent: Agent, theme: str, width: int) -> None:
    look = {"name": "prefers-color-scheme", "value": theme}
    agent.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [look]})
    size = {"width": width, "height": 850, "deviceScaleFactor": 1, "mobile": width < 600}
    agent.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    thread = agent.browser.current_url.partition("#")[0].partition("?")[0]

    picker = f"{thread}/templates?name=hello_world&language=en_US"
    for path in (f"{agent.url}/inbox", thread, f"{thread}?panel=1", picker):
        agent.browser.get(path)
        agent.wait(lambda: agent.find("#rows, #choices"))
        agent.browser.execute_script(_axe())
        found = agent.browser.execute_async_script(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}).then(arguments[0])"
        )
        wrong = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]]
        assert not wrong, (path, theme, width, wrong)
    agent.browser.get(thread)
    agent.wait(lambda: agent.find("#thread"))


def _axe() -> str:
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None and spec.submodule_search_locations
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text()


class _Second:
    """A second agent, whose browser runs no JavaScript."""

    def __init__(self, gateway: Gateway, link: str) -> None:
        self._url, self._session = gateway.url, requests.Session()
        self._session.headers["Accept"] = "text/html"
        self._token = ""
        self._keep(self._session.get(link, timeout=20).text)
        self.post(link.removeprefix(gateway.url), {})

    def get(self, path: str) -> str:
        """The HTML of a page."""
        page = self._session.get(self._url + path, timeout=20).text
        self._keep(page)
        return page

    def post(self, path: str, form: dict[str, str]) -> None:
        """Send a form."""
        answer = self._session.post(self._url + path, data=form | {"csrf_token": self._token}, timeout=20)
        assert answer.ok, answer.text
        self._keep(answer.text)

    def _keep(self, page: str) -> None:
        found = re.search(r'name="csrf-token" content="([^"]+)"', page)
        self._token = found[1] if found else self._token


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A whole gateway with the simulator, and nobody but people to answer."""
    settings = {
        "SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": "",
        "ECHO_BOT": "false", "WEB_CONCURRENCY": "1",
    }  # fmt: skip
    with running(Gateway(tmp_path_factory.mktemp("inbox"), settings)) as ours:
        yield ours


def _link(gateway: Gateway, name: str) -> str:
    command = [str(BIN / "flask"), "people", "add", name, "--role", "agent"]
    made = subprocess.run(command, cwd=gateway.root, env=gateway.env, capture_output=True, text=True, timeout=60)
    found = re.search(r"http\S+/sign-in/\S+", made.stdout)
    assert found, made.stdout + made.stderr
    return found[0]


@pytest.fixture(scope="module")
def agent(gateway: Gateway) -> Iterator[Agent]:
    """Lucía, signed in, with the list before her."""
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
        browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
        try:
            found = Agent(browser, gateway.url, gateway.wait_simulator())
            browser.get(_link(gateway, "Lucía"))
            found.find("main form button").click()
            found.wait(lambda: found.find("#rows"))
            yield found
        finally:
            browser.quit()
