"""Who may use which page: every page for everybody who may come, and nothing changes without the token of a form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule

from app.container import Gateway
from app.models import Base
from app.web.auth import ACCESS
from tests.conftest import API_KEY, on_sqlite
from tests.factories import OTHER_PNID
from tests.people import Browser, add, sign_in

pytestmark = on_sqlite

NOTHING = "00000000-0000-7000-8000-000000000000"
"""An id that names nothing."""

SAFE = {"GET", "HEAD", "OPTIONS"}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def pages(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Every page by method and path, with whose it is."""
    for rule in app.url_map.iter_rules():
        access = app.extensions[ACCESS].get(rule.endpoint.partition(".")[0]) or ""
        if access.startswith("person:"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, path_of(rule), access.removeprefix("person:")


def path_of(rule: Rule) -> str:
    return re.sub("<(int)?[^>]*>", lambda found: "1" if found[1] else NOTHING, rule.rule)


def test_every_page_declares_whose_it_is(app: Flask) -> None:
    below = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/inbox")}

    access = app.extensions[ACCESS]
    assert below
    assert {access[each.partition(".")[0]] for each in below} <= {"person:agent", "person:admin", "person:anyone"}


def test_without_signing_in_there_is_nothing_but_the_way_in(app: Flask) -> None:
    browser = Browser(app)
    browser.get("/inbox/sign-in")
    for method, path, whose in pages(app):
        response = browser.open(path, method)
        if whose == "anyone":
            assert response.status_code in (200, 404, 429), path
        else:
            assert (response.status_code, response.location) == (303, "/inbox/sign-in"), path
            assert browser.open(path, method, headers={"Accept": "application/json"}).status_code == 401, path


@pytest.mark.parametrize("role", ["agent", "admin"])
def test_a_role_opens_its_own_pages_alone(app: Flask, role: str) -> None:
    browser = sign_in(app, "Ana", role)
    for method, path, whose in pages(app):
        if "sign-out" in path:
            continue  # it works, and ends this test
        status = browser.open(path, method, headers={"Idempotency-Key": "k"}).status_code
        assert (status == 403) == (whose == "admin" and role == "agent"), (path, status)
        assert status not in (401, 500), (method, path, status)


def test_a_key_of_the_api_opens_no_page(app: Flask) -> None:
    for method, path, whose in pages(app):
        if whose != "anyone":
            response = app.test_client().open(path, method=method, headers={"Authorization": f"Bearer {API_KEY}"})
            assert response.status_code == 401, path


def test_a_session_opens_no_route_of_the_api(app: Flask) -> None:
    browser = sign_in(app, "Boss", "admin")

    for path in ("/api/messages", "/api/people", "/api/keys", "/metrics"):
        assert browser.get(path).status_code == 401, path


def test_no_page_of_one_number_is_seen_by_an_agent_of_another(app: Flask) -> None:
    """Paths that name nothing this agent may see answer as those that name nothing at all."""
    browser = sign_in(app, "Ana", "agent", [OTHER_PNID])

    statuses = {
        path: browser.open(path, method).status_code
        for method, path, whose in pages(app)
        if whose == "agent" and NOTHING in path and method == "GET"
    }
    assert set(statuses.values()) <= {404}, statuses


Count = Callable[[], dict[str, int]]


@pytest.fixture
def count(gateway: Gateway) -> Count:
    """How many rows each table has."""

    def count_() -> dict[str, int]:
        with gateway.database.read() as session:
            tables = Base.metadata.sorted_tables
            return {each.name: session.scalar(select(func.count()).select_from(each)) or 0 for each in tables}

    return count_


FORGED = [
    {},
    {"X-CSRFToken": ""},
    {"X-CSRFToken": "x"},
    {"X-CSRFToken": "of another browser"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]
"""What another site can make a browser send. The last two come with a token that is right."""


@pytest.mark.parametrize("headers", FORGED, ids=str)
def test_whatever_another_site_makes_a_browser_send_changes_nothing(
    app: Flask, gateway: Gateway, count: Count, headers: dict[str, str]
) -> None:
    admin, other = sign_in(app, "Boss", "admin"), sign_in(app, "Bo", "admin")
    her = add(gateway, "Ana").id
    gateway.api_keys.make("crm", ["read"], None)
    if headers.get("X-CSRFToken") == "of another browser":
        headers = {"X-CSRFToken": other.token}
    if "Sec-Fetch-Site" in headers:
        headers = headers | {"X-CSRFToken": admin.token}
    before = count()

    tried = 0
    for method, path, _ in pages(app):
        if method not in SAFE:
            for real in {path, path.replace(NOTHING, her), path.replace(f"/keys/{NOTHING}", "/keys/crm")}:
                sent = {"X-CSRFToken": ""} | headers
                form = {"name": "Eve", "role": "admin", "scope": "read"}
                response = admin.open(real, method, headers=sent, data=form)
                assert response.status_code == 403, (method, real)
                tried += 1

    assert tried >= 30
    assert count() == before
    assert admin.get("/inbox/people").status_code == 200


def test_a_token_in_the_form_is_as_good_as_one_in_the_header(app: Flask, gateway: Gateway) -> None:
    admin = sign_in(app, "Boss", "admin")
    form = {"name": "Ana", "role": "agent", "csrf_token": admin.token}

    assert admin.post("/inbox/people", data=form, headers={"X-CSRFToken": ""}).status_code == 200
    assert gateway.people.named("Ana")


def test_a_token_of_before_signing_out_is_worth_nothing_after(app: Flask, gateway: Gateway) -> None:
    browser = sign_in(app, "Ana")
    old = browser.token
    browser.post("/inbox/sign-out")
    browser.enter(gateway.people.make_link(gateway.people.named("Ana").id))

    assert browser.post("/inbox/me", headers={"X-CSRFToken": old}).status_code == 403
    assert browser.post("/inbox/me").status_code == 303


def test_every_page_tells_the_browser_to_run_nothing_but_ours(app: Flask) -> None:
    browser = sign_in(app, "Boss", "admin")
    for method, path, _ in pages(app):
        if "sign-out" in path:
            continue
        response = browser.open(path, method)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy and "*" not in policy, path
        assert HEADERS.items() <= dict(response.headers).items(), path
        if response.mimetype == "text/html":
            assert "no-store" in response.headers["Cache-Control"], path
            assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", response.text), path


def test_what_is_nowhere_below_the_inbox_is_a_page_for_browsers(app: Flask) -> None:
    browser = sign_in(app)

    page = browser.get("/inbox/no/such/page/at/all")
    wrong = browser.open("/inbox/people", "DELETE")

    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert (wrong.status_code, wrong.mimetype) == (405, "text/html")
    assert browser.get("/inbox/no/such/page", headers={"Accept": "*/*"}).get_json()["error"]["code"] == "not_found"


def test_everything_works_below_a_prefix(app: Flask, gateway: Gateway) -> None:
    token = gateway.people.make_link(add(gateway, "Boss", "admin").id)
    below = {"SCRIPT_NAME": "/desk"}
    browser = Browser(app)
    browser.get(f"/inbox/sign-in/{token}", environ_overrides=below)

    entered = browser.post(f"/inbox/sign-in/{token}", environ_overrides=below)
    page = browser.get("/inbox/people", environ_overrides=below)

    assert entered.location == "/desk/inbox"
    assert Browser(app).get("/inbox", environ_overrides=below).location == "/desk/inbox/sign-in"
    assert Browser(app).get("/", environ_overrides=below).location == "/desk/inbox"
    addresses = re.findall(r'(?:href|src|action)="([^"#]+)"', page.text)
    assert addresses and [each for each in addresses if not each.startswith("/desk/inbox")] == []
    assert 'data-root="/desk"' in page.text


@pytest.fixture
def behind_proxy(gateway: Gateway) -> None:
    object.__setattr__(gateway.config, "inbox_user_header", "X-Forwarded-User")
    object.__setattr__(gateway.config, "trusted_proxies", 1)


@pytest.mark.usefixtures("behind_proxy")
def test_a_trusted_proxy_names_the_person(app: Flask, gateway: Gateway) -> None:
    add(gateway, "José")
    browser = Browser(app)
    as_jose = {"X-Forwarded-User": "JOSÉ".encode().decode("latin-1")}

    assert browser.get("/inbox/me", headers=as_jose).status_code == 200
    assert browser.post("/inbox/me", headers=as_jose, data={"theme": "dark"}).status_code == 303
    assert gateway.people.named("José").theme == "dark"
    assert browser.get("/inbox/me").status_code == 303
    gateway.people.disable(gateway.people.named("José").id)
    assert browser.get("/inbox/me", headers=as_jose).status_code == 303


@pytest.mark.usefixtures("behind_proxy")
def test_whom_the_proxy_names_and_nobody_knows_reads_what_to_do(app: Flask) -> None:
    page = Browser(app).get("/inbox/sign-in", headers={"X-Forwarded-User": "eve@example.com"})

    assert "eve@example.com" in page.text and "An admin can add you under this name" in page.text


def test_without_the_setting_no_header_names_anybody(app: Flask, gateway: Gateway) -> None:
    add(gateway, "Ana")

    assert Browser(app).get("/inbox", headers={"X-Forwarded-User": "Ana", "Remote-User": "Ana"}).status_code == 303
