"""Uploads that may be resumed, and what their handles are good for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from simulator.settings import MetaApp, SimulatorSettings
from tests.simulator.conftest import NUMBER

APP = "600100200300400"
ACCOUNT = "900100200300400"
PROFILE = f"/v26.0/{NUMBER}/whatsapp_business_profile"
TOKEN = {"Authorization": "OAuth EAAsimulated"}
PNG = b"\x89PNG picture"
SIZE = len(PNG)


def start(client: FlaskClient, length: int = SIZE, kind: str = "image/png", app: str = APP) -> Any:
    return client.post(
        f"/v26.0/{app}/uploads?file_name=a.png&file_length={length}&file_type={kind}&session_type=attachment",
        headers=TOKEN,
    )


def handle(client: FlaskClient, kind: str = "image/png") -> str:
    upload = start(client, kind=kind).json["id"]
    return str(client.post(f"/v26.0/{upload}", data=PNG, headers=TOKEN | {"file_offset": "0"}).json["h"])


def create(client: FlaskClient, header: Any, token: dict[str, str] = TOKEN) -> Any:
    components = [header, {"type": "BODY", "text": "Look."}]
    body = {"name": "offer", "language": "es", "category": "MARKETING", "components": components}
    return client.post(f"/v26.0/{ACCOUNT}/message_templates", json=body, headers=token)


def picture(given: Any, kind: str = "IMAGE") -> dict[str, Any]:
    return {"type": "HEADER", "format": kind, "example": {"header_handle": [given]}}


def test_a_file_is_announced_sent_and_named(client: FlaskClient) -> None:
    upload = start(client).json["id"]

    answer = client.post(f"/v26.0/{upload}", data=PNG, headers=TOKEN | {"file_offset": "0"})

    assert upload.startswith("upload:") and "?sig=" in upload  # Meta's ids have a query of their own
    assert answer.json["h"].startswith("4::")


def test_it_may_come_in_parts(client: FlaskClient) -> None:
    upload = start(client, app="app").json["id"]

    first = client.post(f"/v26.0/{upload}", data=PNG[:5], headers=TOKEN | {"file_offset": "0"}).json
    asked = client.get(f"/v26.0/{upload}", headers=TOKEN).json
    last = client.post(f"/v26.0/{upload}", data=PNG[5:], headers=TOKEN | {"file_offset": "5"}).json

    assert first == asked == {"id": upload, "file_offset": 5}
    assert last["h"]


@pytest.mark.parametrize(
    ("piece", "offset"), [(PNG, "3"), (PNG + b"x", "0"), (PNG, "-1"), (PNG, "x"), (PNG, "9" * 5000)]
)
def test_a_part_that_does_not_fit_is_refused(client: FlaskClient, piece: bytes, offset: str) -> None:
    upload = start(client).json["id"]

    answer = client.post(f"/v26.0/{upload}", data=piece, headers=TOKEN | {"file_offset": offset})

    assert (answer.status_code, answer.json["error"]["code"]) == (400, 100)
    assert client.get(f"/v26.0/{upload}", headers=TOKEN).json["file_offset"] == 0


@pytest.mark.parametrize(
    "more", [{"length": 0}, {"length": 101 * 1024 * 1024}, {"kind": "image/webp"}, {"app": ACCOUNT}]
)
def test_a_file_that_cannot_be_is_not_begun(client: FlaskClient, more: dict[str, Any]) -> None:
    assert start(client, **more).status_code == 400


def test_nobody_else_goes_on_with_it(client: FlaskClient) -> None:
    upload = start(client).json["id"]

    assert client.get(f"/v26.0/{upload}").status_code == 403
    assert client.get(f"/v26.0/{upload}x", headers=TOKEN).json["error"]["error_subcode"] == 33


def test_a_template_shows_a_sample_of_its_kind(client: FlaskClient) -> None:
    made = handle(client)

    assert create(client, picture(made, "VIDEO")).json["error"]["code"] == 131009
    assert create(client, picture("4::made-up")).json["error"]["code"] == 131009
    assert create(client, {"type": "HEADER", "format": "IMAGE"}).json["error"]["code"] == 2388043
    assert create(client, picture(made)).status_code == 200


def test_a_sample_that_is_not_whole_is_none(client: FlaskClient) -> None:
    upload = start(client).json["id"]
    client.post(f"/v26.0/{upload}", data=PNG[:5], headers=TOKEN)
    (unfinished,) = client.application.extensions["simulator"].world.uploads._by_id.values()

    assert create(client, picture(unfinished.handle)).json["error"]["code"] == 131009


@pytest.mark.parametrize(
    "example", ["x", {"header_handle": "x"}, {"header_handle": [7]}, {"header_handle": [None]}, {}]
)
def test_an_example_of_another_shape_is_refused(client: FlaskClient, example: Any) -> None:
    answer = create(client, {"type": "HEADER", "format": "IMAGE", "example": example})

    assert answer.status_code == 400


def test_the_cards_of_a_carousel_show_theirs(client: FlaskClient) -> None:
    def carousel(given: str) -> dict[str, Any]:
        card = {"components": [picture(given), {"type": "BODY", "text": "One."}]}
        return {"type": "CAROUSEL", "cards": [card, card]}

    assert create(client, carousel("4::made-up")).status_code == 400
    assert create(client, carousel(handle(client))).status_code == 200


def test_another_apps_sample_is_none(make_client: Callable[..., FlaskClient], settings: SimulatorSettings) -> None:
    other = MetaApp(app_id="600100200300499", access_token="other")
    client = make_client(apps=(*settings.apps, other))

    answer = create(client, picture(handle(client)), {"Authorization": "Bearer other"})

    assert answer.json["error"]["code"] == 131009


def test_a_profile_takes_a_picture(client: FlaskClient) -> None:
    def change(given: str) -> Any:
        return client.post(
            PROFILE, json={"messaging_product": "whatsapp", "profile_picture_handle": given}, headers=TOKEN
        )

    assert change("4::made-up").status_code == 400
    assert change(handle(client, "application/pdf")).status_code == 400
    assert change(handle(client)).status_code == 200
    (profile,) = client.get(PROFILE, headers=TOKEN).json["data"]
    assert profile["profile_picture_url"].startswith("https://")
    assert "profile_picture_handle" not in profile


def test_faults_strike_uploads_too(client: FlaskClient) -> None:
    client.post("/simulator/api/faults", json={"kind": "throttle", "on": "media", "times": 1})

    assert start(client).status_code == 429
    assert start(client).status_code == 200
