"""The reference is built by one command, fetches nothing from elsewhere, and names every route and public name."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

import whatsapp_service_client
from app import create_app
from app.config.settings import load_config
from client.reference import build
from tests.conftest import SETTINGS, on_sqlite
from tests.web.inbox import test_house_in_browser
from whatsapp_service_client import Client

ROUTES = """return [...document.querySelectorAll('article h2')].map(
  heading => [...heading.children].map(part => part.textContent).join(' ').toLowerCase())"""
NOT_DESCRIBED = ("/inbox", "/simulator", "/static", "/graph/<version>/<path:anything>")
"""Pages for people, and their parts; and what says of every other path of Meta's that it is not there."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    settings = {"DATABASE_URL": f"sqlite:///{folder}/no.db", "LOG_DIR": str(folder / "logs")}
    build(folder / "pages", create_app(load_config(SETTINGS | settings)))
    return folder / "pages"


@pytest.fixture
def address(reference: Path) -> Iterator[str]:
    """The folder, as any web server shows it."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(reference))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


browser = test_house_in_browser.browser


@on_sqlite
def test_every_route_stands_on_a_page(app: Flask, address: str, browser: webdriver.Chrome) -> None:
    shown: set[str] = set()
    browser.get(f"{address}/")
    assert "The HTTP API" in browser.page_source
    for document in ("api", "graph", "webhooks", "service"):
        browser.get(f"{address}/http/?of={document}")
        WebDriverWait(browser, 20).until(lambda seen: seen.execute_script(ROUTES))
        shown |= {*browser.execute_script(ROUTES)}
    assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]

    missing = {each for each in routes(app) if each not in shown}

    assert len(shown) > 120
    assert not missing


def routes(app: Flask) -> Iterator[str]:
    """Every method and path that software may call, as the page writes them."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(NOT_DESCRIBED):
            continue
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield f"{method} {path}".lower()


def test_every_public_name_of_the_client_stands_on_a_page(reference: Path) -> None:
    pages = {file.name: file.read_text() for file in (reference / "client").rglob("*.html")}
    first = pages[f"{whatsapp_service_client.__name__}.html"]
    everything = "\n".join(pages.values())

    assert [name for name in whatsapp_service_client.__all__ if f'id="{name}"' not in first] == []
    methods = [name for name, _ in inspect.getmembers(Client, callable) if not name.startswith("_")]
    assert len(methods) > 80
    assert [name for name in methods if not re.search(rf'id="\w+\.{name}"', everything)] == []
    types = [name for name in vars(whatsapp_service_client.types) if re.match("[A-Z][a-z]", name)]
    missing = [name for name in types if f'id="{name}"' not in pages["types.html"]]
    assert missing == ["Any", "Literal", "NotRequired", "TypedDict"]


def test_nothing_of_it_is_fetched_from_elsewhere(reference: Path) -> None:
    files = [file for file in reference.rglob("*") if file.suffix in (".html", ".css")]
    loads = re.compile(
        r"""(?:<(?:script|img|iframe)\b[^>]*\bsrc|<link\b[^>]*\bhref)=["']?(?:https?:)?//|@import|url\(["']?http"""
    )

    assert [file.name for file in files if loads.search(file.read_text())] == []
