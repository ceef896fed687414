from __future__ import annotations

import shutil
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.config.settings import Config, load_config
from app.container import Gateway
from simulator.server import SimulatorServer
from simulator.settings import SimulatorSettings
from tests.conftest import API_KEY, SETTINGS
from tests.load.gateway import free_port

CHAT = "/simulator/api/chats/700100200300400/5491112345678"
WRITE = {"type": "text", "text": {"body": "Hola"}}


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """A simulator that posts its webhooks to nobody."""
    settings = SimulatorSettings(port=0)
    app = replace(settings.apps[0], webhook_url="http://127.0.0.1:9/")
    server = SimulatorServer(replace(settings, apps=(app,)))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """One kind of database will do."""
    shutil.copyfile(migrated_sqlite, tmp_path / "whatsapp.db")
    return f"sqlite:///{tmp_path}/whatsapp.db"


@pytest.fixture
def config(database_url: str, tmp_path: Path, simulator: SimulatorServer) -> Config:
    return simulated(database_url, tmp_path, simulator.settings.port)


def simulated(database_url: str, tmp_path: Path, port: int) -> Config:
    """Settings of a gateway whose simulator is at `port`."""
    changed = {"WHATSAPP_ACCESS_TOKEN": "", "SIMULATOR": "1", "SIMULATOR_APP_SECRET": "simulated-app-secret"}
    ours = {"PORT": str(port - 1), "DATABASE_URL": database_url, "LOG_DIR": str(tmp_path / "logs")}
    return load_config(SETTINGS | changed | ours)


@pytest.fixture
def admin() -> dict[str, str]:
    return basic(API_KEY)


def basic(password: str, name: str = "anybody") -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize("headers", [basic(API_KEY), basic(API_KEY, ""), {"Authorization": f"Bearer {API_KEY}"}])
def test_it_shows_the_phone_to_whoever_has_an_admin_key(client: FlaskClient, headers: dict[str, str]) -> None:
    with client.get("/simulator/", headers=headers) as page:
        assert page.status_code == 200
        assert "phone/main.js" in page.text
        assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_it_serves_the_parts_of_the_page(client: FlaskClient, admin: dict[str, str]) -> None:
    with client.get("/simulator/phone/main.js", headers=admin) as part:
        assert (part.status_code, part.mimetype) == (200, "text/javascript")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("wrong"),
        basic(""),
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic %%%"},
        {"Authorization": f"Digest {API_KEY}"},
        {"Cookie": f"key={API_KEY}"},
    ],
)
@pytest.mark.parametrize("path", ["/simulator/", "/simulator/phone/main.js", "/simulator/api/world"])
def test_it_lets_nobody_in_without_a_key_and_lets_a_browser_ask(
    client: FlaskClient, headers: dict[str, str], path: str
) -> None:
    with client.get(path, headers=headers) as answer:
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(("scopes", "numbers"), [(["send", "read"], None), (["admin"], ["700100200300400"])])
def test_a_key_that_is_no_admin_of_everything_is_not_enough(
    client: FlaskClient, gateway: Gateway, scopes: list[str], numbers: list[str] | None
) -> None:
    key = gateway.api_keys.make("bot", scopes, numbers)

    with client.get("/simulator/api/world", headers=basic(key)) as answer:
        assert answer.status_code == 403


def test_what_is_written_reaches_the_simulator(client: FlaskClient, admin: dict[str, str]) -> None:
    with client.post(f"{CHAT}/messages", json=WRITE, headers=admin) as written:
        assert written.status_code < 300

    with client.get(f"{CHAT}?after=0&wait=1", headers=admin) as chat:
        assert [message["content"] for message in chat.json["messages"]] == [{"body": "Hola"}]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://localhost"}, 201),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
    ],
)
def test_another_site_may_not_write_with_a_browsers_password(
    client: FlaskClient, admin: dict[str, str], headers: dict[str, str], status: int
) -> None:
    with client.post(f"{CHAT}/messages", json=WRITE, headers=admin | headers) as answer:
        assert answer.status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "/simulator/v26.0/700100200300400",
        "/simulator/api/../../v26.0/700100200300400",
        "/simulator/api/%2e%2e/%2e%2e/v26.0/700100200300400",
        "/simulator/phone/../v26.0/700100200300400",
    ],
)
def test_it_leads_nowhere_but_to_the_page_and_its_api(client: FlaskClient, admin: dict[str, str], path: str) -> None:
    with client.get(path, headers=admin) as answer:
        assert answer.status_code == 404
        assert "700100200300400" not in answer.text


def test_files_cannot_run_as_pages_of_the_gateways(client: FlaskClient, admin: dict[str, str]) -> None:
    with client.get("/simulator/api/world", headers=admin) as answer:
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


class TestWithAnotherServer:
    """In the simulator's place is something that keeps what it is sent."""

    @pytest.fixture
    def received(self) -> list[str]:
        return []

    @pytest.fixture
    def config(self, database_url: str, tmp_path: Path, received: list[str]) -> Iterator[Config]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                received.extend([self.path, *self.headers])
                self.send_response(302)
                for name in ("Location", "Set-Cookie", "Keep-Alive", "Access-Control-Allow-Origin"):
                    self.send_header(name, "http://127.0.0.1:9/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            yield simulated(database_url, tmp_path, server.server_port)
            server.shutdown()
            thread.join()

    def test_neither_the_key_nor_cookies_go_any_further(
        self, client: FlaskClient, admin: dict[str, str], received: list[str]
    ) -> None:
        more = {"Cookie": "session=secret", "X-Forwarded-For": "1.2.3.4", "TE": "trailers", "Range": "bytes=0-1"}

        with client.get("/simulator/api/a%20b%3Fc/d?e=%26&f=1", headers=admin | more):
            pass

        assert received[0] == "/simulator/api/a%20b%3Fc/d?e=%26&f=1"
        assert "Range" in received
        assert not {"Authorization", "Cookie", "X-Forwarded-For", "TE"} & set(received)

    def test_nothing_of_the_connection_comes_back(self, client: FlaskClient, admin: dict[str, str]) -> None:
        with client.get("/simulator/", headers=admin) as answer:
            assert answer.status_code == 302
            names = set(answer.headers.keys())
            assert not names & {"Location", "Set-Cookie", "Keep-Alive", "Access-Control-Allow-Origin"}


class TestWithoutSimulator:
    @pytest.fixture
    def config(self, database_url: str, tmp_path: Path) -> Config:
        return simulated(database_url, tmp_path, free_port())

    def test_it_says_so(self, client: FlaskClient, admin: dict[str, str]) -> None:
        with client.get("/simulator/", headers=admin) as answer:
            assert answer.status_code == 503
            assert answer.json["error"]["message"] == "The simulator does not answer."


class TestWithMeta:
    @pytest.fixture
    def config(self, database_url: str, tmp_path: Path) -> Config:
        return load_config(SETTINGS | {"DATABASE_URL": database_url, "LOG_DIR": str(tmp_path / "logs")})

    def test_nothing_is_there(self, client: FlaskClient, admin: dict[str, str]) -> None:
        assert client.get("/simulator/", headers=admin).status_code == 404
