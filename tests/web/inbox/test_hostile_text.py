"""Nothing that a customer, a template or Meta wrote can run, style or load anything: every payload, in every field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from app.web.inbox.rendering import Beside
from tests.web.inbox.payloads import PAYLOADS
from tests.web.inbox.reading import parsed
from tests.web.inbox.threads import message, sent, thread

Json = dict[str, Any]


def _file(kind: str) -> Callable[[str], Json]:
    keys = ("media_id", "url", "mime_type", "sha256", "filename", "caption", "link", "state", "reason", "id")
    return lambda text: message(kind, dict.fromkeys(keys, text) | {"size": text, "animated": text, "voice": text})


def _definition(text: str) -> Json:
    button = {"text": text, "url": text, "phone_number": text, "example": [text]}
    return {
        "name": text,
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": f"{{{{1}}}} {text}"},
            {"type": "BODY", "text": f"{text} {{{{1}}}} {{{{name}}}}"},
            {"type": "FOOTER", "text": text},
            {
                "type": "BUTTONS",
                "buttons": [{"type": each} | button for each in ("URL", "PHONE_NUMBER", "QUICK_REPLY", text)],
            },
            {"type": "CAROUSEL", "cards": [{"components": [{"type": "BODY", "text": text}]}]},
        ],
    }


def _template(text: str) -> Json:
    value = {"type": "text", "text": text, "parameter_name": "name"}
    return sent(
        "template",
        {
            "name": text,
            "language": {"code": text},
            "components": [
                {"type": "header", "parameters": [{"type": "image", "image": {"link": text, "id": text}}]},
                {"type": "body", "parameters": [value, {"type": "text", "text": text}]},
                {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": text}]},
            ],
        },
    )


def _interactive(text: str) -> Json:
    rows = [{"id": text, "title": text, "description": text}]
    return sent(
        "interactive",
        {
            "type": text,
            "header": {"type": "image", "text": text, "image": {"link": text}},
            "body": {"text": text},
            "footer": {"text": text},
            "action": {
                "button": text,
                "buttons": [{"type": "reply", "reply": {"id": text, "title": text}}],
                "sections": [{"title": text, "rows": rows, "product_items": [{"product_retailer_id": text}]}],
                "parameters": {"display_text": text, "url": text, "flow_cta": text},
                "cards": [{"header": {"type": "text", "text": text}, "body": {"text": text}}],
            },
        },
    )


def _card(text: str) -> Json:
    return {
        "name": {"formatted_name": text, "first_name": text},
        "org": {"company": text, "title": text},
        "phones": [{"phone": text, "type": text, "wa_id": text}],
        "emails": [{"email": text, "type": text}],
        "urls": [{"url": text, "type": text}],
        "addresses": [{"street": text, "city": text, "type": text}],
        "birthday": text,
    }


FIELDS: dict[str, Callable[[str], Json]] = {
    "text": lambda text: message("text", {"body": text}),
    "a text beside other letters": lambda text: message("text", {"body": f"Hola {text} *{text}* fin"}),
    **{kind: _file(kind) for kind in ("image", "video", "audio", "voice", "document", "sticker")},
    "location": lambda text: message("location", dict.fromkeys(("latitude", "name", "address", "url"), text)),
    "contacts": lambda text: message("contacts", [_card(text)]),
    "button": lambda text: message("button", {"id": text, "title": text}),
    "list_reply": lambda text: message("list_reply", {"id": text, "title": text, "description": text}),
    "form": lambda text: message("form", {"name": text, "response": {text: text, "deep": {text: [text, {text: 1}]}}}),
    "a form that is no object": lambda text: message("form", {"name": text, "response": text}),
    "order": lambda text: message(
        "order",
        {"text": text, "product_items": [dict.fromkeys(("product_retailer_id", "quantity", "currency"), text)]},
    ),
    "system": lambda text: message("system", {"type": text, "body": text}, message=text),
    "call": lambda text: message("call", {"type": text}, message=text),
    "unsupported": lambda text: message("unsupported", {"type": text}, message=text),
    "an unknown type": lambda text: message(text, {text: {text: [text]}}, message=text),
    "content that is no object": lambda text: message("image", text, message=text),
    "interactive": _interactive,
    "template": _template,
    "error": lambda text: sent(
        "text", {"body": "x"}, status="failed", error={"code": text, "title": text, "details": text}
    ),
    "Meta's details": lambda text: sent(
        "text", {"body": "x"}, status="failed", error={"code": 131026, "title": text, "details": text}
    ),
    "held": lambda text: sent("text", {"body": "x"}, status="held", error={"title": text, "details": text}),
    "status": lambda text: sent("text", {"body": "x"}, status=text, source=text, flags=[text, "edited", "revoked"]),
    "ids": lambda text: message("text", {"body": "x"}, id=text, message_id=text),
    "referral": lambda text: message(
        "text",
        {"body": "x"},
        referral=dict.fromkeys(("headline", "body", "source_url", "image_url", "video_url"), text),
    ),
    "context": lambda text: message("text", {"body": "x"}, context={"id": text, "message_id": text, "forwarded": text}),
    "what is quoted": lambda text: message("text", {"body": "x"}, context={"id": "quoted", "message_id": "wamid.Q"}),
}


@pytest.mark.parametrize("field", FIELDS)
def test_what_others_wrote_is_shown_and_never_runs_styles_or_loads(field: str) -> None:
    made = [FIELDS[field](payload) for payload in PAYLOADS]
    for payload, each in zip(PAYLOADS, made, strict=True):
        quoted = message("image", {"url": payload, "caption": payload}, id=payload, message=payload)
        beside = Beside(
            reactions={str(each["id"]): [(payload, False)]},
            earlier={str(each["id"]): [({"message": payload}, datetime.now(UTC))]},
            quoted={"quoted": quoted},
            authors={str(each["id"]): payload},
            template=lambda name, language, text=payload: _definition(text),
        )
        page = parsed(thread(each, beside=beside, name=payload))
        assert not page.wrong, (payload, page.wrong)


def test_there_are_sixty_payloads_and_they_are_found_where_text_is_not_escaped() -> None:
    assert len(set(PAYLOADS)) >= 60
    dangerous = [payload for payload in PAYLOADS if parsed(payload).wrong]
    assert len(dangerous) > 35


@pytest.mark.parametrize("payload", [each for each in PAYLOADS if each.isprintable() and each[:1] not in "*_~`>1-"])
def test_a_payload_can_be_read_as_it_was_written(payload: str) -> None:
    page = parsed(thread(message("text", {"body": payload})))

    assert " ".join(payload.split()) in page.text


def test_an_address_of_another_scheme_is_no_link() -> None:
    for payload in PAYLOADS:
        for href in parsed(thread(message("contacts", [_card(payload)]))).hrefs:
            assert href.startswith(("http://", "https://", "mailto:", "tel:", "/inbox/")), (payload, href)
