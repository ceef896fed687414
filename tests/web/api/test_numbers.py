"""Numbers are added, changed, checked and removed, and never give their secrets away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.config.settings import Config
from app.container import Gateway
from app.logs import configure_logging
from app.models import Number
from tests.conftest import ACCESS_TOKEN, API_KEY, APP_SECRET, on_sqlite
from tests.factories import OTHER_PNID, OTHER_WABA, PNID, WABA

TOKEN, SECRET, SECOND = "EAAtheirs0123456789", "their-secret-0123456789", "their-second-secret-0123456789"
GRAPH = "https://graph.example/v26.0"
THEIRS = {
    "phone_number_id": OTHER_PNID, "display_phone_number": "+34 600 111 222", "waba_id": OTHER_WABA, "app_id": "22200",
    "access_token": TOKEN, "app_secrets": [SECRET],
}  # fmt: skip

Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(client: FlaskClient) -> Iterator[Ask]:
    """Asks the API; afterwards, no answer held a secret."""
    answers: list[str] = []

    def ask_(method: str, path: str = "", key: str = API_KEY, **more: Any) -> TestResponse:
        response = client.open(f"/api/numbers{path}", method=method, headers={"Authorization": f"Bearer {key}"}, **more)
        answers.append(response.get_data(as_text=True) + str(response.headers))
        return response

    yield ask_
    for secret in (TOKEN, SECRET, SECOND, ACCESS_TOKEN, APP_SECRET):
        assert not any(secret in answer for answer in answers)


def test_a_number_is_added_shown_changed_and_removed(ask: Ask, gateway: Gateway) -> None:
    added = ask("POST", json=THEIRS | {"rate": 20})

    assert added.status_code == 201
    assert added.get_json() == {
        "phone_number_id": OTHER_PNID, "display_phone_number": "+34600111222", "waba_id": OTHER_WABA, "app": "22200",
        "source": "added", "has_own_token": True, "has_own_secret": True, "rate": 20.0,
        "pace": {
            "queued": {"reply": 0, "normal": 0, "bulk": 0}, "share": 1.0, "paused_for": None, "paused_until": None,
            "in_doubt": False, "bulk_stopped_by": None,
        },
    }  # fmt: skip
    assert [each["phone_number_id"] for each in ask("GET").get_json()["data"]] == [PNID, OTHER_PNID]
    number = gateway.directory.current.find(OTHER_PNID)
    assert number is not None and number.access_token == TOKEN

    changed = ask("PATCH", f"/{OTHER_PNID}", json={"app_secrets": [SECRET, SECOND], "display_phone_number": None})

    assert (changed.get_json()["display_phone_number"], changed.get_json()["app"]) == (None, "22200")
    assert SECOND in gateway.directory.current.secrets
    assert ask("PATCH", f"/{OTHER_PNID}", json={"access_token": None}).get_json()["has_own_token"] is False
    number = gateway.directory.current.find(OTHER_PNID)
    assert number is not None and number.access_token == ACCESS_TOKEN
    assert ask("DELETE", f"/{OTHER_PNID}").status_code == 200
    assert ask("GET", f"/{OTHER_PNID}").status_code == 404
    assert ask("DELETE", f"/{OTHER_PNID}").status_code == 404


def test_the_database_holds_token_and_secret_encrypted(ask: Ask, gateway: Gateway) -> None:
    ask("POST", json=THEIRS)

    with gateway.database.read() as session:
        row = session.scalars(select(Number)).one()
        stored = json.dumps([row.access_token, row.app_secrets])
    assert TOKEN not in stored and SECRET not in stored


@on_sqlite
def test_a_change_of_secrets_moves_a_number_to_their_app(ask: Ask) -> None:
    ask("POST", json={"phone_number_id": OTHER_PNID})
    assert ask("GET", f"/{OTHER_PNID}").get_json()["app"] == "default"

    first = ask("PATCH", f"/{OTHER_PNID}", json={"app_secrets": [SECRET]}).get_json()["app"]
    assert first.startswith("secret:")
    assert ask("PATCH", f"/{OTHER_PNID}", json={"app_id": "22200"}).get_json()["app"] == "22200"
    assert ask("PATCH", f"/{OTHER_PNID}", json={"app_id": None}).get_json()["app"] == first
    assert ask("PATCH", f"/{OTHER_PNID}", json={"app_secrets": None}).get_json()["app"] == "default"
    assert ask("PATCH", f"/{OTHER_PNID}", json={"waba_id": OTHER_WABA}).get_json()["waba_id"] == OTHER_WABA


@on_sqlite
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [("POST", "", {}, 422), ("POST", "", [], 400), ("POST", "", {"phone_number_id": "x"}, 422),
     ("POST", "", THEIRS | {"access_token": "a b"}, 422), ("POST", "", THEIRS | {"app_secrets": ["short"]}, 422),
     ("POST", "", THEIRS | {"app_secrets": [f"{SECRET},{SECRET}"]}, 422), ("POST", "", THEIRS | {"more": 1}, 422),
     ("PATCH", f"/{PNID}", {"waba_id": "1234567"}, 409), ("DELETE", f"/{PNID}", None, 409),
     ("PATCH", "/none", {}, 404), ("POST", "/none/check", None, 404)],
)  # fmt: skip
def test_what_cannot_be_is_refused(ask: Ask, method: str, path: str, body: Any, status: int) -> None:
    assert ask(method, path, json=body).status_code == status


@on_sqlite
def test_a_number_is_added_once(ask: Ask) -> None:
    ask("POST", json=THEIRS)

    again = ask("POST", json=THEIRS)

    assert again.status_code == 409
    assert again.get_json()["error"]["code"] == "already_exists"
    assert "PATCH" in again.get_json()["error"]["message"]


@on_sqlite
def test_a_bounded_key_sees_its_own_numbers_alone(ask: Ask, gateway: Gateway) -> None:
    ask("POST", json=THEIRS)
    key = gateway.api_keys.make("bounded", ["read"], [PNID])

    assert [each["phone_number_id"] for each in ask("GET", key=key).get_json()["data"]] == [PNID]
    assert ask("GET", f"/{OTHER_PNID}", key).status_code == 404


@on_sqlite
def test_a_number_that_works_is_told_so(ask: Ask) -> None:
    with responses.RequestsMock() as graph:
        graph.get(f"{GRAPH}/{PNID}", json={"display_phone_number": "+1 555", "quality_rating": "GREEN"})
        graph.get(f"{GRAPH}/debug_token", json={"data": {
            "is_valid": True, "app_id": "600", "expires_at": 0,
            "scopes": ["whatsapp_business_messaging", "whatsapp_business_management"]}})  # fmt: skip
        graph.get(f"{GRAPH}/{WABA}/subscribed_apps", json={"data": [{"whatsapp_business_api_data": {"id": "600"}}]})
        report = ask("POST", f"/{PNID}/check").get_json()

    assert report["ok"] is True
    found = {finding["name"]: finding["state"] for finding in report["findings"]}
    assert (found["number"], found["quality"], found["token"], found["subscription"]) == ("ok",) * 4


@on_sqlite
def test_what_meta_does_not_say_is_a_finding_with_a_remedy_and_no_secret_is_logged(
    ask: Ask, config: Config, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logging(config, "web")
    with responses.RequestsMock() as graph:
        graph.get(f"{GRAPH}/{PNID}", status=401, json={"error": {"code": 190, "message": ACCESS_TOKEN}})
        graph.get(f"{GRAPH}/debug_token", status=400, json={"error": {"code": 100, "message": ACCESS_TOKEN}})
        graph.get(f"{GRAPH}/{WABA}/subscribed_apps", status=503, body="busy")
        report = ask("POST", f"/{PNID}/check").get_json()

    assert report["ok"] is False
    assert [finding["state"] for finding in report["findings"]] == ["problem", "problem", "unknown"]
    assert all(finding["remedy"] for finding in report["findings"])
    logged = capfd.readouterr().err + "".join(path.read_text() for path in Path(config.log_dir).iterdir())
    assert ACCESS_TOKEN not in logged


@on_sqlite
def test_without_an_account_nobody_can_say_whether_webhooks_come(ask: Ask) -> None:
    ask("POST", json={"phone_number_id": OTHER_PNID})
    with responses.RequestsMock() as graph:
        graph.get(f"{GRAPH}/{OTHER_PNID}", json=[])
        graph.get(f"{GRAPH}/debug_token", json={"data": None})
        report = ask("POST", f"/{OTHER_PNID}/check").get_json()

    assert report["findings"][-1]["name"] == "subscription"
    assert report["findings"][-1]["state"] == "unknown"
