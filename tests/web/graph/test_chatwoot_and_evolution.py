"""The calls that Chatwoot and Evolution API make, in the shapes of their sources: docs/in-front-of.md."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import httpx
import pytest

from simulator.testing import MetaStandIn
from tests.factories import ANA, PNID, WABA

CHATWOOT: dict[str, dict[str, Any]] = {
    "text": {"messaging_product": "whatsapp", "context": None, "to": ANA, "text": {"body": "Hola"}, "type": "text"},
    "image": {
        "messaging_product": "whatsapp", "context": None, "to": ANA, "type": "image",
        "image": {"link": "https://chatwoot.example/rails/active_storage/menu.jpg", "caption": None},
    },
    "template": {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": ANA, "type": "template",
        "template": {
            "name": "hello_world", "language": {"policy": "deterministic", "code": "en_US"}, "components": [],
        },
    },
}  # fmt: skip
EVOLUTION: dict[str, dict[str, Any]] = {
    "text": {
        "messaging_product": "whatsapp", "recipient_type": "individual", "type": "text", "to": ANA,
        "text": {"body": "Hola", "preview_url": False},
    },
    "interactive": {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": ANA, "type": "interactive",
        "interactive": {
            "type": "button", "body": {"text": "Select"},
            "action": {"buttons": [{"type": "reply", "reply": {"title": "Yes", "id": "yes"}}]},
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", CHATWOOT)
def test_chatwoot_sends(served: str, key: str, meta: MetaStandIn, kind: str) -> None:
    url = f"{served}/graph/v13.0/{PNID}/messages"

    answer = httpx.post(url, json=CHATWOOT[kind], headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 200, answer.text
    assert answer.json()["messages"][0]["id"].startswith("wamid.")
    assert [each.body["type"] for each in meta.accepted] == [kind]


def test_chatwoot_checks_its_credentials_by_the_templates(served: str, key: str) -> None:
    answers = [
        httpx.get(f"{served}/graph/v14.0/{WABA}/message_templates?access_token={each}") for each in (key, "another")
    ]

    assert [answer.is_success for answer in answers] == [True, False]
    assert "hello_world" in [each["name"] for each in answers[0].json()["data"]]


@pytest.mark.parametrize("kind", EVOLUTION)
def test_evolution_api_sends(served: str, key: str, meta: MetaStandIn, kind: str) -> None:
    url = f"{served}/graph/v18.0/{PNID}/messages"

    answer = httpx.post(url, json=EVOLUTION[kind], headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 200, answer.text
    assert [each.body["type"] for each in meta.accepted] == [kind]


def test_files_go_up_as_evolution_api_sends_them_and_come_down_as_chatwoot_fetches_them(served: str, key: str) -> None:
    bearer = {"Authorization": f"Bearer {key}"}
    form = {"typeFile": "application/pdf", "messaging_product": "whatsapp"}
    file = ("bill.pdf", BytesIO(b"%PDF-1.7 bill"), "application/pdf")

    up = httpx.post(f"{served}/graph/v18.0/{PNID}/media", data=form, files={"file": file}, headers=bearer)
    found = httpx.get(f"{served}/graph/v13.0/{up.json()['id']}?phone_number_id={PNID}", headers=bearer)
    down = httpx.get(found.json()["url"], headers=bearer)

    assert (up.status_code, found.status_code) == (200, 200)
    assert down.content == b"%PDF-1.7 bill"
