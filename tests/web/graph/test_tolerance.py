"""What SDKs send, and Meta takes or judges itself, is not refused on its way."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
import responses

from simulator.testing import MetaStandIn
from tests.factories import ANA, PNID
from tests.web.graph.test_face import Ask, ask, error_of

__all__ = ["ask"]

TO = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": ANA}
BUTTON = {"buttons": [{"type": "reply", "reply": {"id": "a", "title": "A"}}]}


@pytest.mark.parametrize("blank", ["", None])
def test_a_file_by_a_number_with_blank_words_beside_it(ask: Ask, meta: MetaStandIn, blank: str | None) -> None:
    form = {"messaging_product": "whatsapp", "file": (BytesIO(b"%PDF"), "a.pdf", "application/pdf")}
    media_id = ask("POST", f"{PNID}/media", data=form).get_json()["id"]
    document = {"id": int(media_id), "caption": blank, "filename": blank}

    answer = ask("POST", f"{PNID}/messages", json={**TO, "type": "document", "document": document})

    assert answer.status_code == 200, answer.get_json()
    assert meta.accepted[0].body["document"] == {"id": media_id}


def test_buttons_without_header_and_footer(ask: Ask, meta: MetaStandIn) -> None:
    content = {"type": "button", "header": None, "footer": {"text": ""}, "body": {"text": "Sure?"}, "action": BUTTON}

    answer = ask("POST", f"{PNID}/messages", json={**TO, "type": "interactive", "interactive": content})

    assert answer.status_code == 200
    assert not {"header", "footer"} & set(answer.headers.get("X-Gateway-Warnings", "").split())
    assert meta.accepted[0].body["interactive"].keys() == {"type", "body", "action"}


@pytest.mark.parametrize("as_list", [True, False])
def test_a_card_of_which_little_is_known(ask: Ask, meta: MetaStandIn, as_list: bool) -> None:
    card = {"name": {"formatted_name": "Bo", "first_name": ""}, "phones": [{}], "org": {}, "birthday": ""}

    answer = ask("POST", f"{PNID}/messages", json={**TO, "type": "contacts", "contacts": [card] if as_list else card})

    assert answer.status_code == 200
    assert "formatted_name" in answer.headers["X-Gateway-Warnings"]
    assert meta.accepted[0].body["contacts"] == [{"name": {"formatted_name": "Bo"}, "phones": []}]


@pytest.mark.parametrize(
    "body", [{"type": "hologram", "hologram": {"x": 1}}, {"type": "text", "text": {"body": "Hi", "glow": True}}]
)
def test_what_a_newer_meta_may_know_is_passed_on_and_said(ask: Ask, meta: MetaStandIn, body: Any) -> None:
    with responses.RequestsMock() as graph:
        graph.post(f"{meta.url}/v26.0/{PNID}/messages", json={"messages": [{"id": "wamid.X"}]})
        answer = ask("POST", f"{PNID}/messages", json={**TO, **body})
        sent = json.loads(graph.calls[0].request.body)

    assert answer.get_json()["messages"] == [{"id": "wamid.X"}]
    assert "passed on unchecked" in answer.headers["X-Gateway-Warnings"]
    assert sent[body["type"]] == body[body["type"]]


def test_what_meta_does_not_know_is_metas_to_refuse(ask: Ask) -> None:
    answer = ask("POST", f"{PNID}/messages", json={**TO, "type": "text", "text": {"body": "Hi", "glow": True}})

    assert error_of(answer) == (400, 100)
    assert "glow" in answer.get_json()["error"]["error_data"]["details"]
