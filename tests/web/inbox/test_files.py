"""Files of the pages, and what lets a browser install them as an app."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask

from app.web.inbox.assets import PACKAGED, current_version, icon
from tests.conftest import on_sqlite
from tests.people import Browser, sign_in

pytestmark = on_sqlite


@pytest.mark.parametrize("name", ["inbox.css", "inbox.js", *PACKAGED])
def test_a_file_is_kept_for_ever_under_the_hash_of_all(app: Flask, name: str) -> None:
    client = app.test_client()

    plain = client.get(f"/inbox/static/{current_version()}/{name}")
    packed = client.get(f"/inbox/static/{current_version()}/{name}", headers={"Accept-Encoding": "gzip"})
    earlier = client.get(f"/inbox/static/000000000000/{name}")

    assert (plain.status_code, gzip.decompress(packed.data)) == (200, plain.data)
    assert "immutable" in plain.headers["Cache-Control"] and "immutable" in packed.headers["Cache-Control"]
    assert (earlier.headers["Cache-Control"], earlier.data) == ("no-cache", plain.data)
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in plain.headers


@pytest.mark.parametrize("name", ["../docs/main.js", "..%2f..%2fconfig.py", "nothing", "."])
def test_no_other_file_is_served(app: Flask, name: str) -> None:
    assert app.test_client().get(f"/inbox/static/{current_version()}/{name}").status_code == 404


@pytest.mark.usefixtures("app")
def test_an_icon_is_drawn_inline_and_passed_over_by_screen_readers() -> None:
    drawn = icon("chat-dots", "big")

    assert drawn.startswith('<svg class="icon big"') and 'aria-hidden="true"' in drawn and "<path" in drawn
    with pytest.raises(KeyError):
        icon("no-such-icon")


def test_the_app_begins_in_the_inbox_wherever_that_is(app: Flask) -> None:
    browser = Browser(app, language="es")

    found = browser.get("/inbox/app.webmanifest", environ_overrides={"SCRIPT_NAME": "/desk"})

    manifest = found.get_json()
    assert found.mimetype == "application/manifest+json"
    assert (manifest["start_url"], manifest["scope"], manifest["lang"]) == ("/desk/inbox", "/desk/inbox", "es")
    for each in manifest["icons"]:
        assert app.test_client().get(each["src"].removeprefix("/desk")).mimetype == each["type"]


def test_the_service_worker_keeps_the_offline_page_which_is_nobodys(app: Flask) -> None:
    browser = sign_in(app, "Somebody")

    worker, offline = browser.get("/inbox/worker.js"), browser.get("/inbox/offline")

    assert worker.headers["Service-Worker-Allowed"] == "/inbox"
    assert worker.text.count("cache.add") == 1 and "cache.put" not in worker.text
    assert "Somebody" not in offline.text and "Set-Cookie" not in offline.headers
