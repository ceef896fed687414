"""The way in and out, as a browser goes it."""

from __future__ import annotations

from http.cookies import Morsel, SimpleCookie

import pytest
from flask import Flask

from app.container import Gateway
from app.web.inbox import guesses
from tests.conftest import on_sqlite
from tests.people import Browser, add, sign_in

pytestmark = on_sqlite


def test_opening_a_link_does_not_use_it_up(app: Flask, gateway: Gateway) -> None:
    token = gateway.people.make_link(add(gateway).id)
    for _ in range(3):
        assert "Welcome, Ana" in Browser(app).get(f"/inbox/sign-in/{token}").text

    browser = Browser(app)
    entered = browser.enter(token)

    assert (entered.status_code, entered.location) == (303, "/inbox")
    assert browser.get("/inbox").status_code == 200


def test_a_used_link_says_so_and_a_wrong_one_says_what_to_do(app: Flask, gateway: Gateway) -> None:
    token = gateway.people.make_link(add(gateway).id)
    Browser(app).enter(token)

    used = Browser(app).get(f"/inbox/sign-in/{token}")
    wrong = Browser(app).get("/inbox/sign-in/xxx")

    assert (used.status_code, wrong.status_code) == (410, 404)
    assert "It was used already" in used.text
    assert "./gateway people link NAME" in wrong.text


def test_the_button_needs_the_token_of_its_page(app: Flask, gateway: Gateway) -> None:
    token = gateway.people.make_link(add(gateway).id)

    assert Browser(app).post(f"/inbox/sign-in/{token}").status_code == 403
    other = Browser(app)
    other.get("/inbox/sign-in")
    browser = Browser(app)
    browser.token = other.token  # of another browser's page
    assert browser.post(f"/inbox/sign-in/{token}").status_code == 403
    assert browser.enter(token).status_code == 303


def test_whoever_is_not_signed_in_is_shown_the_way_and_scripts_get_a_401(app: Flask) -> None:
    browser = Browser(app)

    page = browser.get("/inbox")
    script = browser.get("/inbox", headers={"Accept": "application/json"})
    fetched = browser.get("/inbox", headers={"Sec-Fetch-Dest": "empty"})

    assert (page.status_code, page.location) == (303, "/inbox/sign-in")
    assert (script.status_code, script.get_json()["error"]["message"]) == (401, "Sign in first.")
    assert fetched.status_code == 401
    assert "WWW-Authenticate" not in script.headers


@pytest.mark.parametrize(
    ("accept", "status"),
    [("text/html,application/xhtml+xml,*/*;q=0.8", 303), ("*/*", 200), ("", 200), ("application/json", 200),
     ("application/json, text/html;q=0.5", 200), ("text/html", 303)],
)  # fmt: skip
def test_the_root_sends_browsers_to_the_inbox_and_tells_programs_what_it_is(
    app: Flask, accept: str, status: int
) -> None:
    response = app.test_client().get("/", headers={"Accept": accept})

    assert (response.status_code, response.vary.to_header()) == (status, "Accept")
    assert status == 200 or response.location == "/inbox"


def test_the_cookie_is_another_one_after_signing_in_and_none_after_signing_out(app: Flask, gateway: Gateway) -> None:
    browser = Browser(app)
    token = gateway.people.make_link(add(gateway).id)
    before = cookie_of(browser.get(f"/inbox/sign-in/{token}").headers["Set-Cookie"])
    after = cookie_of(browser.post(f"/inbox/sign-in/{token}").headers["Set-Cookie"])
    assert before.value != after.value
    browser.get("/inbox")

    left = browser.post("/inbox/sign-out")

    assert left.location == "/inbox/sign-in"
    assert cookie_of(left.headers["Set-Cookie"])["expires"].endswith("1970 00:00:00 GMT")
    assert gateway.sign_in.who(after.value) is None
    assert browser.get("/inbox").status_code == 303


@pytest.mark.parametrize(("scheme", "prefix"), [("http", ""), ("https", "__Host-")])
def test_the_cookie_is_kept_from_scripts_and_from_other_sites(app: Flask, scheme: str, prefix: str) -> None:
    header = Browser(app, base_url=f"{scheme}://inbox.example").get("/inbox/sign-in").headers["Set-Cookie"]

    cookie = cookie_of(header)
    assert cookie.key.startswith(f"{prefix}inbox-")
    assert (cookie["path"], cookie["samesite"], cookie["httponly"], cookie["domain"]) == ("/", "Lax", True, "")
    assert bool(cookie["secure"]) == (scheme == "https")


def test_a_cookie_of_http_is_none_under_https(app: Flask) -> None:
    browser = sign_in(app)
    (cookie,) = [each for each in browser.client._cookies.values() if each.key.startswith("inbox-")]

    under_https = Browser(app, base_url="https://localhost")
    under_https.client.set_cookie(cookie.key, cookie.value)

    assert under_https.get("/inbox").status_code == 303


def test_neither_link_nor_cookie_nor_token_stands_in_a_line_of_the_log(
    app: Flask, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    link = gateway.people.make_link(add(gateway, "Xiomara").id)
    browser = Browser(app)
    browser.enter(link)
    browser.post("/inbox/sign-out")
    browser.get(f"/inbox/sign-in/{link}")

    lines = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    secrets = {link, browser.token, "Xiomara", *(cookie.value for cookie in browser.client._cookies.values())}
    assert len(lines) >= 5
    assert [line for line in lines if any(secret in line for secret in secrets)] == []


def test_one_address_may_not_try_links_without_end(app: Flask, gateway: Gateway) -> None:
    guesses._limiter.cache_clear()
    browser = Browser(app)
    token = gateway.people.make_link(add(gateway).id)

    tried = [browser.get(f"/inbox/sign-in/{number:043}").status_code for number in range(guesses.MOST + 3)]

    assert tried == [404] * guesses.MOST + [429] * 3
    assert browser.post("/inbox/sign-in/xxx").status_code == 429
    assert browser.get(f"/inbox/sign-in/{token}").status_code == 200  # the team may share the address
    elsewhere = browser.get(f"/inbox/sign-in/{token}", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 200
    guesses._limiter.cache_clear()


def test_links_that_do_not_work_take_no_lock_of_writers(app: Flask, gateway: Gateway) -> None:
    browser = Browser(app)
    browser.get("/inbox/sign-in")
    used = gateway.people.make_link(add(gateway).id)
    Browser(app).enter(used)

    with gateway.database.write():
        assert [browser.post(f"/inbox/sign-in/{token}").status_code for token in ("xxx", used)] == [404, 410]


def test_a_browser_has_one_session_however_often_it_enters(app: Flask, gateway: Gateway) -> None:
    browser = sign_in(app)
    her = gateway.people.named("Ana").id

    browser.enter(gateway.people.make_link(her))

    assert gateway.people.one(her).sessions == 1
    assert browser.get("/inbox").status_code == 200


def cookie_of(header: str) -> Morsel[str]:
    (morsel,) = SimpleCookie(header).values()
    return morsel
