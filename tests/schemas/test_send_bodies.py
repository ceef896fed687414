"""Every kind of message that Meta documents passes as it is written, and broken ones name what is wrong."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

from app.errors import Invalid
from app.graph import payloads
from app.schemas.send import CONTENT_TYPES, read_lenient_request, read_send_request
from tests.schemas.send_bodies import (
    BODIES,
    PIN,
    Json,
    button,
    buttons,
    card,
    contact,
    flow,
    interactive,
    link,
    menu,
    product_section,
    products,
    row,
    template,
)

# These came after the file was written, or stand in it otherwise than on Meta's pages.
NEWER = ("cta_url", "location_request_message", "address_message", "carousel", "voice_call", "request_contact_info")


def read(body: Json) -> Any:
    return read_send_request({"messaging_product": "whatsapp", "to": "+34600111222", **body}, None)


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_a_documented_body_passes_unchanged_and_without_warnings(body: Json) -> None:
    request = read(body)

    assert request.type == body["type"]
    assert request.content == body[body["type"]]
    assert request.warnings == []


def test_a_pin_in_a_group_passes() -> None:
    request = read_send_request({"recipient_type": "group", "to": "Y2FwaV9n", **PIN}, None)

    assert (request.group_id, request.content, request.warnings) == ("Y2FwaV9n", PIN["pin"], [])


def test_every_type_we_know_is_tried_here() -> None:
    assert {body["type"] for body in [*BODIES.values(), PIN]} == set(CONTENT_TYPES)


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_what_we_send_is_what_metas_openapi_file_describes(body: Json) -> None:
    path = os.environ.get("META_OPENAPI_FILE")
    if not path:
        pytest.skip("META_OPENAPI_FILE does not name Meta's OpenAPI file")
    type_ = body["type"]
    payload = payloads.message(read(body))

    for schema, value in described(type_, payload[type_], components(path)):
        jsonschema.Draft202012Validator(
            {**schema, "components": {"schemas": components(path)}}, format_checker=None
        ).validate(value)


def described(type_: str, content: Any, schemas: Json) -> list[tuple[Json, Any]]:
    """What the file says about one type's own object: its wrappers contradict themselves."""
    if type_ == "interactive" and content["type"] in NEWER:
        return [(schemas["BodyObject"], content["body"])]
    if type_ == "template":
        return [(schemas["LanguageObject"], content["language"])]
    if type_ == "contacts":
        return [(schemas["ContactObject"], contact) for contact in content]
    if type_ in ("image", "video", "audio", "document"):
        return [(schemas["MediaObject"], content)]
    wrapper = schemas[f"{type_.capitalize()}Message"]["allOf"][1]["properties"][type_]
    return [(wrapper, content)]


@cache
def components(path: str) -> Json:
    with open(path, encoding="utf-8") as file:
        # LibYAML's: Python's own takes seconds for a file of this size.
        loaded: Json = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))["components"]["schemas"]
    return loaded


def media(type_: str, **content: Any) -> Json:
    return {"type": type_, type_: content}


def text(body: Any, **more: Any) -> Json:
    return {"type": "text", "text": {"body": body, **more}}


def parameter(**content: Any) -> Json:
    return template({"type": "body", "parameters": [content]})


def place(**content: Any) -> Json:
    return {"type": "location", "location": {"latitude": 1, "longitude": 2, **content}}


def ten_and_one() -> list[Json]:
    return [{"title": f"S{n}", "rows": [row(f"r{n}-{m}") for m in range(6)]} for n in range(2)]


def image(**content: Any) -> Json:
    return {"type": "image", "image": content}


def cards(*items: Json) -> Json:
    return interactive("carousel", {"cards": list(items)})


def address(**parameters: Any) -> Json:
    return interactive("address_message", {"name": "address_message", "parameters": parameters})


def voice_call(**parameters: Any) -> Json:
    return interactive("voice_call", {"name": "voice_call", "parameters": parameters})


HEADER = {"type": "text", "text": "Hi"}
QUICK_REPLY = {"type": "quick_reply", "quick_reply": {"id": "b1", "title": "Yes"}}
HALF_NAMED = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "parameter_name": "n"}]
IMAGE = {"type": "image", "image": {"link": "https://example.com/a.jpg"}}

BROKEN: list[tuple[str, Json]] = [
    ("text", {"type": "text"}),
    ("text", {"type": "text", "text": "hello"}),
    ("text.body", {"type": "text", "text": {}}),
    ("text.body", text("")),
    ("text.body", text(5)),
    ("text.body", text(None)),
    ("text.body", text("x" * 4097)),
    ("text.body", text("👍" * 4097)),
    ("text.preview_url", text("x", preview_url="true")),
    ("text.preview_url", text("x", preview_url=1)),
    ("text.bold", text("x", bold=True)),
    ("image", media("image")),
    ("image", media("image", id="1", link="https://example.com/a.jpg")),
    ("image", media("image", caption="look")),
    ("image", media("image", id="")),
    ("image.id", media("image", id=True)),
    ("image.id", media("image", id={"a": 1})),
    ("image.link", media("image", link="ftp://example.com/a.jpg")),
    ("image.link", media("image", link="example.com/a.jpg")),
    ("image.link", media("image", link="https://")),
    ("image.link", media("image", link="https://exa mple.com")),
    ("image.link", media("image", link="https://[::1")),
    ("image.caption", media("image", id="1", caption="x" * 1025)),
    ("image.filename", media("image", id="1", filename="a.jpg")),
    ("video.caption", media("video", id="1", caption="x" * 1025)),
    ("audio.caption", media("audio", id="1", caption="x")),
    ("audio.voice", media("audio", id="1", voice="yes")),
    ("sticker.caption", media("sticker", id="1", caption="x")),
    ("document.caption", media("document", id="1", caption="x" * 1025)),
    ("document.filename", media("document", id="1", filename=7)),
    ("location.latitude", place(latitude=91)),
    ("location.latitude", place(latitude="north")),
    ("location.latitude", place(latitude=True)),
    ("location.latitude", place(latitude="nan")),
    ("location.longitude", place(longitude="-181")),
    ("location.longitude", {"type": "location", "location": {"latitude": 1}}),
    ("location.url", place(url="https://example.com")),
    ("contacts", {"type": "contacts", "contacts": []}),
    ("contacts", {"type": "contacts", "contacts": [contact()] * 258}),
    ("contacts.0", {"type": "contacts", "contacts": ["Bo"]}),
    ("contacts.0.name", {"type": "contacts", "contacts": [{"phones": []}]}),
    ("contacts.0.name.formatted_name", {"type": "contacts", "contacts": [contact(name={})]}),
    ("contacts.1.name.formatted_name", {"type": "contacts", "contacts": [contact(), contact(name={"prefix": "Dr"})]}),
    ("contacts.0.phones.0.number", {"type": "contacts", "contacts": [contact(phones=[{"number": "1"}])]}),
    ("contacts.0.phones", {"type": "contacts", "contacts": [contact(phones={"phone": "1"})]}),
    ("contacts.0.birthday", {"type": "contacts", "contacts": [contact(birthday="18/08/2012")]}),
    ("contacts.0.origin", {"type": "contacts", "contacts": [contact(origin="other")]}),
    ("reaction.message_id", media("reaction", emoji="👍")),
    ("reaction.emoji", media("reaction", message_id="wamid.1")),
    ("reaction.emoji", media("reaction", message_id="wamid.1", emoji="ok")),
    ("interactive", {"type": "interactive", "interactive": []}),
    ("interactive.type", {"type": "interactive", "interactive": {"body": {"text": "x"}}}),
    ("interactive.type", interactive("order_details", {})),
    ("interactive.type", {"type": "interactive", "interactive": {"type": ["button"]}}),
    ("interactive.body", {"type": "interactive", "interactive": {"type": "button", "action": {"buttons": [button()]}}}),
    ("interactive.action", {"type": "interactive", "interactive": {"type": "button", "body": {"text": "x"}}}),
    ("interactive.body.text", buttons(button(), body={"text": "x" * 1025})),
    ("interactive.header.text", buttons(button(), header={"type": "text", "text": "x" * 61})),
    ("interactive.header.type", buttons(button(), header={"type": "sticker"})),
    ("interactive.header.image", buttons(button(), header=image())),
    ("interactive.header.image.caption", buttons(button(), header=image(id="1", caption="x"))),
    ("interactive.footer.text", buttons(button(), footer={"text": "x" * 61})),
    ("interactive.action.buttons", buttons()),
    ("interactive.action.buttons", buttons(*(button(f"b{n}", f"B{n}") for n in range(4)))),
    ("interactive.action.buttons", buttons(button("a", "Same"), button("b", "Same"))),
    ("interactive.action.buttons", buttons(button("same", "A"), button("same", "B"))),
    ("interactive.action.buttons.0.reply.title", buttons(button("a", "x" * 21))),
    ("interactive.action.buttons.0.reply.title", buttons(button("a", ""))),
    ("interactive.action.buttons.0.reply.id", buttons(button("x" * 257))),
    ("interactive.action.buttons.0.type", buttons({**button(), "type": "url"})),
    ("interactive.action.sections", interactive("button", {"buttons": [button()], "sections": []})),
    ("interactive.action.button", menu({"rows": [row()]}, label="x" * 21)),
    ("interactive.action.sections", menu()),
    ("interactive.action.sections", menu(*({"title": f"S{n}", "rows": [row(f"r{n}")]} for n in range(11)))),
    ("interactive.action.sections", menu(*ten_and_one())),
    ("interactive.action.sections", menu({"rows": [row("a")]}, {"rows": [row("b")]})),
    ("interactive.action.sections", menu({"title": "A", "rows": [row("a")]}, {"title": "B", "rows": [row("a")]})),
    ("interactive.action.sections.0.rows", menu({"title": "Empty", "rows": []})),
    ("interactive.action.sections.0.title", menu({"title": "x" * 25, "rows": [row()]})),
    ("interactive.action.sections.0.rows.0.id", menu({"rows": [row("x" * 201)]})),
    ("interactive.action.sections.0.rows.0.title", menu({"rows": [row(title="x" * 25)]})),
    ("interactive.action.sections.0.rows.0.description", menu({"rows": [row(description="x" * 73)]})),
    ("interactive.header.type", menu({"rows": [row()]}, header=IMAGE)),
    ("interactive.body.text", menu({"rows": [row()]}, body={"text": "x" * 4097})),
    ("interactive.action.parameters.display_text", interactive("cta_url", link(display_text="x" * 21))),
    ("interactive.action.parameters.url", interactive("cta_url", link(url="javascript:alert(1)"))),
    ("interactive.action.name", interactive("cta_url", {**link(), "name": "url"})),
    ("interactive.action.name", interactive("location_request_message", {"name": "location"})),
    ("interactive.action.parameters", flow()),
    ("interactive.action.parameters", flow(flow_id="1", flow_name="a")),
    ("interactive.action.parameters.flow_cta", flow(flow_id="1", flow_cta="x" * 31)),
    ("interactive.action.parameters.flow_message_version", flow(flow_id="1", flow_message_version="2")),
    ("interactive.action.parameters.mode", flow(flow_id="1", mode="live")),
    ("interactive.action.parameters.flow_action_payload.data", flow(flow_id="1", flow_action_payload={"data": {}})),
    ("interactive.header", interactive("product", {"catalog_id": "1", "product_retailer_id": "2"}, header=HEADER)),
    ("interactive.action.product_retailer_id", interactive("product", {"catalog_id": "1"})),
    ("interactive.header", interactive("product_list", {"catalog_id": "1", "sections": [product_section()]})),
    ("interactive.action.sections", products(product_section(31))),
    ("interactive.action.sections", products(product_section(16, title="A"), product_section(15, title="B"))),
    ("interactive.action.sections", products(product_section(), product_section())),
    ("interactive.action.parameters.country", address()),
    ("interactive.action.cards", cards()),
    ("interactive.action.cards.0.type", cards({"card_index": 0, "type": "video"})),
    ("interactive.action.cards.1.card_index", cards(card(0), card(1, card_index="1"))),
    ("interactive.action.name", interactive("voice_call", {"name": "call"})),
    ("template.name", {"type": "template", "template": {"language": {"code": "es"}}}),
    ("template.name", {"type": "template", "template": {"name": "x" * 513, "language": {"code": "es"}}}),
    ("template.language", {"type": "template", "template": {"name": "ready", "language": "es"}}),
    ("template.language.code", {"type": "template", "template": {"name": "ready", "language": {}}}),
    ("template.components.0.type", template({"type": "buttons"})),
    ("template.components.0.parameters.0.type", parameter(type="number", number=5)),
    ("template.components.0.parameters.0.text", parameter(type="text")),
    ("template.components.0.parameters.0.text", parameter(type="text", text=5)),
    ("template.components.0.parameters.0.value", parameter(type="text", text="x", value="y")),
    ("template.components.0.parameters.0.image", parameter(type="image", image={})),
    ("template.components.0.sub_type", template({"type": "button", "index": 0})),
    ("template.components.0.sub_type", template({"type": "button", "sub_type": "link", "index": 0})),
    ("template.components.0.index", template({"type": "button", "sub_type": "url", "index": "10"})),
    ("template.components.0.index", template({"type": "button", "sub_type": "url", "index": True})),
    ("pin.message_id", {"type": "pin", "pin": {"type": "pin"}}),
]


@pytest.mark.parametrize(("field", "body"), BROKEN)
def test_what_meta_refuses_is_refused_by_its_field_alone(field: str, body: Json) -> None:
    with pytest.raises(Invalid) as caught:
        read(body)

    assert caught.value.fields and list(caught.value.fields) == [field]


DOUBTFUL: list[tuple[str, Json]] = [
    ("text.body", text(" \n")),
    ("text.body", text("👍" * 2049)),
    ("image.caption", media("image", id="1", caption="👍🏽" * 600)),
    ("document.filename", media("document", id="1", filename="x" * 241)),
    ("location.address", place(address="Main St 1")),
    ("reaction.emoji", media("reaction", message_id="wamid.1", emoji="👍👍")),
    ("contacts.0.name.formatted_name", {"type": "contacts", "contacts": [{"name": {"formatted_name": "Bo Li"}}]}),
    ("interactive.body.text", menu({"rows": [row()]}, body={"text": "x" * 1025})),
    ("interactive.action.parameters.flow_cta", flow(flow_id="1", flow_cta="x" * 21)),
    ("interactive.header", interactive("location_request_message", {"name": "send_location"}, header=HEADER)),
    ("interactive.action.cards", cards(card(0))),
    ("interactive.action.cards", cards(card(0), card(1, action={"buttons": [QUICK_REPLY]}))),
    ("interactive.action.cards.0.body.text", cards(card(0, body={"text": "a\nb\nc\nd"}), card(1))),
    ("interactive.action.cards.0.body.text", cards(card(0, body={"text": "x" * 161}), card(1))),
    ("interactive.action.parameters.ttl_minutes", voice_call(ttl_minutes=43_201)),
    ("template.components.0.parameters.0.text", parameter(type="text", text="two\nlines")),
    ("template.components.0.parameters.0.text", parameter(type="text", text="x" * 1025)),
    ("template.components.0.parameters", template({"type": "body", "parameters": HALF_NAMED})),
    ("type", PIN),
]


@pytest.mark.parametrize(("field", "body"), DOUBTFUL)
def test_what_meta_may_refuse_is_sent_with_a_warning(field: str, body: Json) -> None:
    warnings = read(body).warnings

    assert [warning.split(": ")[0] for warning in warnings] == [field]


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "❤️", "1️⃣", "🇦🇷", "👨‍👩‍👧‍👦", "🏳️‍🌈"])
def test_an_emoji_of_several_code_points_is_one(emoji: str) -> None:
    assert read(media("reaction", message_id="wamid.1", emoji=emoji)).warnings == []


def test_a_limit_names_its_number_and_the_remedy() -> None:
    with pytest.raises(Invalid) as caught:
        read(text("x" * 4097))

    assert caught.value.fields == {"text.body": ["must be ≤ 4096 characters, and is 4097; shorten it"]}


def test_a_text_too_long_by_one_way_of_counting_only_is_let_through() -> None:
    family = "👨‍👩‍👧‍👦" * 1000  # 7,000 code points that a reader sees as 1,000 characters

    request = read(text(family))

    assert request.content == {"body": family}
    assert request.warnings == ["text.body: may be over Meta's limit of 4096 characters"]


def test_null_is_the_same_as_absent() -> None:
    request = read(buttons(button(), header=None, footer=None))

    assert set(request.content) == {"type", "body", "action"}


BLANK: list[tuple[Json, Json]] = [
    (media("image", id="1", caption=""), {"id": "1"}),
    (media("document", id="1", caption=None, filename=""), {"id": "1"}),
    (menu({"title": "", "rows": [row(description="")]}), menu({"rows": [row()]})["interactive"]),
    *(
        (buttons(button(), header=header, footer=footer), buttons(button())["interactive"])
        for header in ("", {}, None, {"type": "text", "text": ""}, {"type": "text", "text": None})
        for footer in ("", {}, None, {"text": ""})
    ),
    (buttons(button(), header={**IMAGE, "image": {"id": "1", "caption": ""}}),
     buttons(button(), header={**IMAGE, "image": {"id": "1"}})["interactive"]),
    ({"type": "contacts", "contacts": contact()}, [contact()]),
    ({"type": "contacts", "contacts": [contact(org={}, birthday="", phones=[{}, {"phone": "+1", "type": ""}, {}])]},
     [contact(phones=[{"phone": "+1"}])]),
    ({"type": "contacts", "contacts": [contact(emails=[{"email": "", "type": "WORK"}], org={"title": ""})]},
     [contact(emails=[])]),
    (parameter(type="document", document={"id": "1", "filename": ""}),
     parameter(type="document", document={"id": "1"})["template"]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "content"), BLANK)
def test_what_says_nothing_is_left_out(body: Json, content: Any) -> None:
    assert read(body).content == content


def test_a_forms_own_data_may_be_blank() -> None:
    payload = {"screen": "A", "data": {"name": ""}}

    assert read(flow(flow_id="1", flow_action_payload=payload)).content == flow(
        flow_id="1", flow_action_payload=payload
    )["interactive"]


LATER: list[Json] = [
    {"type": "hologram", "hologram": {"id": "1"}},
    interactive("order_details", {"name": "review_and_pay"}),
    text("x", bold=True),
    {**text("x"), "message_activity_sharing": True},
    flow(flow_id="1", flow_message_version="4"),
    buttons(button(), header={"type": "sticker", "sticker": {"id": "1"}}),
    template({"type": "body", "parameters": [{"type": "number", "number": 5}]}),
]


@pytest.mark.parametrize("body", LATER)
def test_what_only_a_newer_meta_may_know_is_refused_or_left_to_meta(body: Json) -> None:
    given = {"to": "+34600111222", **body}

    with pytest.raises(Invalid):
        read_send_request(given, None)
    request = read_lenient_request(given, None)

    assert request.content == body[body["type"]]
    assert request.options == {name: body[name] for name in body.keys() - {"type", body["type"]}}
    assert all("it was passed on unchecked" in warning for warning in request.warnings) and request.warnings


@pytest.mark.parametrize(
    "body", [text("x" * 4097, bold=True), {"type": "hologram"}, {**text("x", bold=True), "mode": "later"}]
)
def test_what_is_certainly_wrong_is_refused_beside_what_is_new(body: Json) -> None:
    with pytest.raises(Invalid):
        read_lenient_request({"to": "+34600111222", **body}, None)


def test_an_id_written_as_a_number_becomes_a_string() -> None:
    assert read(media("image", id=111222333)).content == {"id": "111222333"}
