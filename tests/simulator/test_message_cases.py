from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.simulator.conftest import ANA, NUMBER, post_message
from tests.simulator.message_cases import ACCEPTED, REFUSED

_ACCOUNT = "900100200300400"
_BUTTONS = [
    {"type": "QUICK_REPLY", "text": "OK"},
    {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}", "example": ["a"]},
]
_TEMPLATES: dict[str, tuple[str, str, str, list[dict[str, Any]]]] = {
    "order_ready": (
        "APPROVED",
        "UTILITY",
        "POSITIONAL",
        [
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::a"]}},
            {"type": "BODY", "text": "Hi {{1}}, that is {{2}}!", "example": {"body_text": [["Ana", "1"]]}},
            {"type": "BUTTONS", "buttons": _BUTTONS},
        ],
    ),
    "greeting": (
        "APPROVED",
        "MARKETING",
        "NAMED",
        [{"type": "BODY", "text": "Hi {{first_name}}, {{shop}} here.", "example": {"body_text_named_params": []}}],
    ),
    "login_code": (
        "APPROVED",
        "AUTHENTICATION",
        "POSITIONAL",
        [{"type": "BODY"}, {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}],
    ),
    "waiting": ("PENDING", "UTILITY", "POSITIONAL", [{"type": "BODY", "text": "Hi."}]),
    "reject_me": ("REJECTED", "UTILITY", "POSITIONAL", [{"type": "BODY", "text": "Hi."}]),
    "paused": ("PAUSED", "UTILITY", "POSITIONAL", [{"type": "BODY", "text": "Hi."}]),
    "disabled": ("DISABLED", "UTILITY", "POSITIONAL", [{"type": "BODY", "text": "Hi."}]),
}


@pytest.fixture
def post_case(client: FlaskClient) -> Callable[[dict[str, Any]], Any]:
    """Posts a body of the table, with ids that exist where it has placeholders."""
    simulator = client.application.extensions["simulator"]
    for name, (status, category, shape, components) in _TEMPLATES.items():
        template = simulator.world.templates.add(_ACCOUNT, name, "es", category, components, shape)
        template.status = status
    form = {"messaging_product": "whatsapp", "file": (io.BytesIO(b"\xff\xd8\xff"), "a.jpg", "image/jpeg")}
    headers = {"Authorization": "Bearer EAAsimulated"}
    media_id = client.post(f"/v26.0/{NUMBER}/media", data=form, headers=headers).json["id"]
    user_id = simulator.world.customers.find(ANA).user_id

    def post(body: dict[str, Any]) -> Any:
        written = json.dumps(body).replace('"MEDIA"', f'"{media_id}"').replace('"BSUID"', f'"{user_id}"')
        return post_message(client, **json.loads(written))

    return post


@pytest.mark.parametrize("name", ACCEPTED)
def test_it_accepts(post_case: Callable[[dict[str, Any]], Any], name: str) -> None:
    answer = post_case(ACCEPTED[name])

    assert answer.status_code == 200, answer.json
    assert answer.json["messages"][0]["id"].startswith("wamid.")


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses(client: FlaskClient, post_case: Callable[[dict[str, Any]], Any], name: str) -> None:
    code, body = REFUSED[name]

    answer = post_case(body)

    assert answer.json.get("error", {}).get("code") == code, answer.json
    assert answer.status_code >= 400
    assert client.get("/simulator/api/accepted").json["data"] == []


def test_the_table_covers_every_type() -> None:
    types = {body.get("type", "text") for body in ACCEPTED.values()}
    kinds = {body["interactive"]["type"] for body in ACCEPTED.values() if "interactive" in body}

    assert (len(types), len(kinds)) == (12, 13)
    assert len(ACCEPTED) + len(REFUSED) >= 120
