"""The inbox in a real browser that runs no JavaScript, straight and through nginx, against the simulated Meta."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import trustme
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.load.gateway import API_KEY, APP_SECRET, Gateway, free_port, running
from tests.simulator.test_inbox_in_browser import ANA, NUMBER, QUIET

PREFIX = "/desk"
SECONDS = 20
# As docs/operating.md has it, with TLS, and for processes that are not root's.
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
        location {prefix}/ {{
            proxy_pass http://127.0.0.1:{gateway};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host "";
            proxy_set_header X-Forwarded-Prefix "";
        }}
    }}
}}
"""


def test_without_javascript_an_agent_reads_answers_and_sees_the_tick(
    gateway: Gateway, browser: webdriver.Chrome
) -> None:
    _enter(gateway, browser, gateway.url)
    (cookie,) = browser.get_cookies()
    assert cookie["name"].startswith("inbox-") and cookie["httpOnly"] and not cookie["secure"]

    _read_and_answer(gateway, browser, gateway.url, "¿A qué hora abren?", "Abrimos a las nueve")

    assert browser.find_elements(By.CSS_SELECTOR, "noscript form"), "scripts ran: a browser then hides what is in here"


def test_behind_nginx_at_a_prefix_under_https_it_is_the_same(gateway: Gateway, browser: webdriver.Chrome) -> None:
    home = _nginx_url(gateway)
    _enter(gateway, browser, home)

    cookie = next(each for each in browser.get_cookies() if each["secure"])
    assert cookie["name"].startswith("__Host-inbox-") and cookie["httpOnly"]
    assert (cookie["path"], cookie["sameSite"]) == ("/", "Lax")
    _read_and_answer(gateway, browser, home, "¿Y los sábados?", "De diez a dos")
    assert browser.current_url.startswith(f"{home}/inbox/")


def _enter(gateway: Gateway, browser: webdriver.Chrome, home: str) -> None:
    """Sign somebody in, at this address of the gateway."""
    name = {"name": f"Lucía {urlsplit(home).scheme}", "role": "agent"}
    person = _call(f"{gateway.url}/api/people", name, {"Authorization": f"Bearer {API_KEY}"})
    link = _call(f"{gateway.url}/api/people/{person['id']}/links", {}, {"Authorization": f"Bearer {API_KEY}"})["url"]
    assert link.startswith(_nginx_url(gateway))
    browser.get(link.replace(_nginx_url(gateway), home))
    browser.find_element(By.CSS_SELECTOR, "main form button").click()
    WebDriverWait(browser, 20).until(lambda seen: seen.current_url == f"{home}/inbox")


def _read_and_answer(gateway: Gateway, browser: webdriver.Chrome, home: str, asked: str, answer: str) -> None:
    chat = f"{gateway.wait_simulator()}simulator/api/chats/{NUMBER}/{ANA}"
    _call(f"{chat}/messages", {"type": "text", "text": {"body": asked}})
    browser.get(f"{home}/inbox")
    _reload_until(browser, lambda: asked in browser.find_element(By.ID, "rows").text)
    browser.find_element(By.CSS_SELECTOR, "#rows a[data-open]").click()
    _wait(browser, lambda: asked in browser.find_elements(By.CSS_SELECTOR, "#messages li.theirs")[-1].text)
    browser.find_element(By.ID, "text").send_keys(answer)
    browser.find_element(By.ID, "send").click()
    last = "#messages li.ours:last-child"
    _wait(browser, lambda: answer in browser.find_element(By.CSS_SELECTOR, last).text)
    _reload_until(browser, lambda: browser.find_element(By.CSS_SELECTOR, f"{last} .tick-read"))
    shown = requests.get(chat, timeout=SECONDS).json()["messages"]
    assert shown[-1]["content"]["body"] == answer


def _wait(browser: webdriver.Chrome, condition: Callable[[], Any]) -> None:
    """On a busy machine a click returns before the page that it leads to has begun to come."""
    passing = (StaleElementReferenceException, IndexError)
    WebDriverWait(browser, SECONDS, poll_frequency=0.1, ignored_exceptions=passing).until(lambda _: condition())


def _reload_until(browser: webdriver.Chrome, condition: Callable[[], Any]) -> None:
    def is_met(_: webdriver.Chrome) -> Any:
        browser.refresh()
        return condition()

    WebDriverWait(browser, SECONDS, poll_frequency=0.2).until(is_met)


def _call(url: str, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer = requests.post(url, json=body, headers=headers, timeout=SECONDS)
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _nginx_url(gateway: Gateway) -> str:
    return gateway.extra["PUBLIC_URL"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A whole gateway with the simulator, at a prefix, with nginx and its certificate before it."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        pytest.skip("no nginx here")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    settings = {
        "SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": "",
        "ECHO_BOT": "false", "WEB_CONCURRENCY": "1", "SCRIPT_NAME": PREFIX, "TRUSTED_PROXIES": "1",
        "PUBLIC_URL": f"https://localhost:{port}{PREFIX}",
    }  # fmt: skip
    served = Gateway(tmp_path_factory.mktemp("inbox"), settings, path_prefix=PREFIX)
    certificate = trustme.CA().issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "server.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "server.pem")
    written = NGINX.format(folder=folder, port=port, gateway=served.port, prefix=PREFIX)
    (folder / "nginx.conf").write_text(written)
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(served) as ours, subprocess.Popen(command) as nginx:
        try:
            _wait_for(port)
            yield ours
        finally:
            nginx.send_signal(signal.SIGTERM)


def _wait_for(port: int) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < until, "nginx does not listen"
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """Debian's Chromium, in which scripts are switched off, and which takes any certificate."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromedriver are missing")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.accept_insecure_certs = True
    options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    with tempfile.TemporaryDirectory() as profile:
        for argument in (*QUIET, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        started = webdriver.Chrome(options, webdriver.ChromeService(driver))
        try:
            yield started
        finally:
            started.quit()
