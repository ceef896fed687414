"""What Graph accepts and refuses in `POST /<phone_number_id>/messages`: bodies, and the code each broken one gets.

`MEDIA` stands for the id of an uploaded picture; the templates named here are the fixture's.
"""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]
LINK = "https://example.com/a.jpg"
BODY = {"text": "Sure?"}
BSUID = {"to": None, "recipient": "BSUID"}


def interactive(kind: str, action: Any, **parts: Any) -> Body:
    given = {"type": kind, "body": BODY, "action": action, **parts}
    return {"type": "interactive", "interactive": {key: part for key, part in given.items() if part is not None}}


def reply(id: str = "yes", title: str = "Yes") -> Body:
    return {"type": "reply", "reply": {"id": id, "title": title}}


def buttons(*replies: Body) -> Body:
    return interactive("button", {"buttons": list(replies)})


def rows(count: int, start: int = 0) -> list[Body]:
    return [{"id": f"row{n}", "title": f"Size {n}"} for n in range(start, start + count)]


def sections(*given: Body, button: str = "Open") -> Body:
    return interactive("list", {"button": button, "sections": list(given)})


def cta(url: str = "https://example.com", label: str = "Open", **parts: Any) -> Body:
    return interactive("cta_url", {"name": "cta_url", "parameters": {"display_text": label, "url": url}}, **parts)


def flow(**parameters: Any) -> Body:
    given = {"flow_message_version": "3", "flow_id": "8881", "flow_cta": "Start", **parameters}
    parameters = {key: value for key, value in given.items() if value is not None}
    return interactive("flow", {"name": "flow", "parameters": parameters})


def products(*given: Body, **parts: Any) -> Body:
    header = {"type": "text", "text": "Shop"}
    return interactive("product_list", {"catalog_id": "5551", "sections": list(given)}, **{"header": header, **parts})


def items(count: int) -> list[Body]:
    return [{"product_retailer_id": f"sku{n}"} for n in range(count)]


def url_card(index: int, **changes: Any) -> Body:
    action = {"name": "cta_url", "parameters": {"display_text": "Buy", "url": "https://example.com/1"}}
    header = {"type": "image", "image": {"link": LINK}}
    card = {"card_index": index, "type": "cta_url", "header": header, "body": {"text": "Fern"}, "action": action}
    return {**card, **changes}


def reply_card(index: int, *titles: str) -> Body:
    replies = [{"type": "quick_reply", "quick_reply": {"id": title, "title": title}} for title in titles]
    return url_card(index, action={"buttons": replies})


def product_card(index: int, catalog: str = "5551") -> Body:
    action = {"product_retailer_id": f"sku{index}", "catalog_id": catalog}
    return {"card_index": index, "type": "product", "action": action}


def carousel(*cards: Body) -> Body:
    return interactive("carousel", {"cards": list(cards)})


def template(name: str, *components: Body, language: str = "es", **extra: Any) -> Body:
    return {
        "type": "template",
        "template": {"name": name, "language": {"code": language}, "components": list(components), **extra},
    }


def values(kind: str, *texts: str) -> Body:
    return {"type": kind, "parameters": [{"type": "text", "text": one} for one in texts]}


def named(**texts: str) -> Body:
    parameters = [{"type": "text", "parameter_name": name, "text": value} for name, value in texts.items()]
    return {"type": "body", "parameters": parameters}


def button(index: int, sub_type: str, **parameter: Any) -> Body:
    return {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": [parameter]}


def contact(**changes: Any) -> Body:
    name = {"formatted_name": "Bo Li", "first_name": "Bo"}
    return {"name": name, "phones": [{"phone": "+34600999888", "type": "WORK", "wa_id": "34600999888"}], **changes}


def location(**changes: Any) -> Body:
    return {"type": "location", "location": {"latitude": "40.41", "longitude": "-3.70", **changes}}


PICTURE = {"type": "header", "parameters": [{"type": "image", "image": {"id": "MEDIA"}}]}
GROUP = {"recipient_type": "group", "to": "Y2FwaV9n"}
TEXT = {"type": "text", "text": {"body": "hi all"}}

ACCEPTED: dict[str, Body] = {
    "text": TEXT,
    "text without a type": {"text": {"body": "hi"}},
    "text with a preview": {"type": "text", "text": {"body": "see https://example.com", "preview_url": True}},
    "text of 4096": {"type": "text", "text": {"body": "x" * 4096}},
    "text to a BSUID": {**TEXT, **BSUID},
    "text quoting": {**TEXT, "context": {"message_id": "wamid.X"}},
    "text with a tag of 512": {**TEXT, "biz_opaque_callback_data": "x" * 512},
    "number with brackets": {**TEXT, "to": "+54 9 (11) 1234-5678"},
    "image by id": {"type": "image", "image": {"id": "MEDIA", "caption": "look"}},
    "image by link": {"type": "image", "image": {"link": LINK}},
    "video": {"type": "video", "video": {"link": "https://example.com/a.mp4", "caption": "clip"}},
    "voice note": {"type": "audio", "audio": {"link": "https://example.com/a.ogg", "voice": True}},
    "document": {"type": "document", "document": {"link": LINK, "caption": "bill", "filename": "bill.pdf"}},
    "sticker": {"type": "sticker", "sticker": {"link": "https://example.com/a.webp"}},
    "caption of 1024": {"type": "image", "image": {"link": LINK, "caption": "x" * 1024}},
    "location": location(name="Shop", address="Main St 1"),
    "location in numbers": location(latitude=40.41, longitude=-3.7),
    "contacts": {"type": "contacts", "contacts": [contact()]},
    "contact with half a name": {"type": "contacts", "contacts": [contact(name={"formatted_name": "Bo"})]},
    "contact with empty parts": {
        "type": "contacts",
        "contacts": [
            contact(
                name={"formatted_name": "Bo", "first_name": "", "last_name": None},
                birthday=None,
                phones=[],
                emails=[{}],
                urls=[{"url": ""}],
                addresses=[{}],
                org={},
            )
        ],
    },
    "257 contacts": {"type": "contacts", "contacts": [contact()] * 257},
    "contact with all": {
        "type": "contacts",
        "contacts": [
            contact(
                birthday="1990-02-28",
                emails=[{"email": "bo@example.com", "type": "WORK"}],
                urls=[{"url": "https://example.com"}],
                addresses=[{"street": "Main St 1", "country_code": "es"}],
                org={"company": "X", "title": "Boss"},
            )
        ],
    },
    "reaction": {"type": "reaction", "reaction": {"message_id": "wamid.T1", "emoji": "👍"}},
    "reaction removed": {"type": "reaction", "reaction": {"message_id": "wamid.T1", "emoji": ""}},
    "one button": buttons(reply()),
    "three buttons": buttons(reply(), reply("no", "No"), reply("later", "x" * 20)),
    "button with header and footer": interactive(
        "button", {"buttons": [reply()]}, header={"type": "text", "text": "Hi"}, footer={"text": "foot"}
    ),
    "button with a picture": interactive(
        "button", {"buttons": [reply()]}, header={"type": "image", "image": {"id": "MEDIA"}}
    ),
    "button with a document": interactive(
        "button", {"buttons": [reply()]}, header={"type": "document", "document": {"link": LINK, "filename": "a.pdf"}}
    ),
    "list": sections({"title": "Sizes", "rows": [{"id": "row1", "title": "Small", "description": "10 cm"}]}),
    "list without a section title": sections({"rows": rows(10)}),
    "list of two sections": sections({"title": "A", "rows": rows(5)}, {"title": "B", "rows": rows(5, 5)}),
    "cta_url": cta(header={"type": "image", "image": {"link": LINK}}),
    "location request": interactive("location_request_message", {"name": "send_location"}),
    "flow": flow(
        flow_token="t1",
        mode="published",
        flow_action="navigate",
        flow_action_payload={"screen": "ONE", "data": {"k": "v"}},
    ),
    "flow by name": flow(flow_id=None, flow_name="signup"),
    "product": interactive("product", {"catalog_id": "5551", "product_retailer_id": "sku1"}),
    "product without a body": interactive("product", {"catalog_id": "5551", "product_retailer_id": "sku1"}, body=None),
    "product list": products({"title": "New", "product_items": items(30)}),
    "catalog": interactive(
        "catalog_message", {"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "sku1"}}
    ),
    "address": interactive(
        "address_message", {"name": "address_message", "parameters": {"country": "IN", "values": {"name": "Ana"}}}
    ),
    "carousel of links": carousel(url_card(0), url_card(1)),
    "carousel of quick replies": carousel(reply_card(0, "a", "b"), reply_card(1, "c", "d")),
    "carousel of products": carousel(product_card(0), product_card(1)),
    "carousel of ten": carousel(*(url_card(n) for n in range(10))),
    "call permission": interactive("call_permission_request", {"name": "call_permission_request"}),
    "voice call": interactive(
        "voice_call", {"name": "voice_call", "parameters": {"display_text": "Call", "ttl_minutes": 100}}
    ),
    "contact request": interactive("request_contact_info", {"name": "request_contact_info"}),
    "hello_world": template("hello_world", language="en_US"),
    "template with everything": template(
        "order_ready",
        PICTURE,
        values("body", "Ana", "10 EUR"),
        button(0, "quick_reply", type="payload", payload="OK"),
        button(1, "url", type="text", text="abc123"),
    ),
    "template with a currency": template(
        "order_ready",
        PICTURE,
        {
            "type": "body",
            "parameters": [
                {"type": "text", "text": "Ana"},
                {
                    "type": "currency",
                    "currency": {"fallback_value": "10 EUR", "code": "EUR", "amount_1000": 10000},
                },
            ],
        },
        button(1, "url", type="text", text="abc123"),
    ),
    "template with a policy": {
        "type": "template",
        "template": {"name": "hello_world", "language": {"code": "en_US", "policy": "deterministic"}},
    },
    "named template": template("greeting", named(first_name="Ana", shop="Shop")),
    "code": template("login_code", values("body", "123456"), button(0, "url", type="text", text="123456")),
    "group text": {**GROUP, **TEXT},
    "group picture": {**GROUP, "type": "image", "image": {"link": LINK}},
    "pin": {**GROUP, "type": "pin", "pin": {"type": "pin", "message_id": "wamid.G1", "expiration_days": 7}},
}

REFUSED: dict[str, tuple[int, Body]] = {
    "unknown key": (100, {**TEXT, "colour": "blue"}),
    "unknown key inside": (100, {"type": "text", "text": {"body": "x", "colour": "blue"}}),
    "no product": (100, {**TEXT, "messaging_product": None}),
    "another product": (131009, {**TEXT, "messaging_product": "mail"}),
    "no recipient": (131008, {**TEXT, "to": None}),
    "recipient not a number": (131009, {**TEXT, "to": "nobody"}),
    "recipient of another type": (100, {**TEXT, "to": 34600111222}),
    "unknown BSUID": (131009, {**TEXT, "to": None, "recipient": "AR.1"}),
    "to itself": (131021, {**TEXT, "to": "+15550100100"}),
    "recipient type": (131009, {**TEXT, "recipient_type": "crowd"}),
    "unknown type": (131051, {"type": "poem", "text": {"body": "x"}}),
    "content of another type": (131009, {**TEXT, "image": {"link": LINK}}),
    "no content": (131008, {"type": "image"}),
    "tag of 513": (131009, {**TEXT, "biz_opaque_callback_data": "x" * 513}),
    "context without an id": (131008, {**TEXT, "context": {}}),
    "context not an object": (100, {**TEXT, "context": "wamid.X"}),
    "text missing": (131008, {"type": "text", "text": {}}),
    "text empty": (131008, {"type": "text", "text": {"body": ""}}),
    "text of 4097": (131009, {"type": "text", "text": {"body": "x" * 4097}}),
    "text not a string": (100, {"type": "text", "text": {"body": 5}}),
    "text not an object": (100, {"type": "text", "text": "hi"}),
    "preview not a boolean": (100, {"type": "text", "text": {"body": "x", "preview_url": "yes"}}),
    "image by nothing": (131008, {"type": "image", "image": {}}),
    "image by both": (131009, {"type": "image", "image": {"id": "MEDIA", "link": LINK}}),
    "image unknown": (100, {"type": "image", "image": {"id": "42"}}),
    "link without a scheme": (131009, {"type": "image", "image": {"link": "example.com/a.jpg"}}),
    "caption of 1025": (131009, {"type": "video", "video": {"link": LINK, "caption": "x" * 1025}}),
    "caption of a voice note": (100, {"type": "audio", "audio": {"link": LINK, "caption": "x"}}),
    "caption of a sticker": (100, {"type": "sticker", "sticker": {"link": LINK, "caption": "x"}}),
    "filename of an image": (100, {"type": "image", "image": {"link": LINK, "filename": "a.jpg"}}),
    "voice not a boolean": (100, {"type": "audio", "audio": {"link": LINK, "voice": "true"}}),
    "location without longitude": (131008, location(longitude=None)),
    "location off the globe": (131009, location(latitude="90.1")),
    "location in words": (100, location(latitude="north")),
    "no contact": (131009, {"type": "contacts", "contacts": []}),
    "258 contacts": (131009, {"type": "contacts", "contacts": [contact()] * 258}),
    "contacts not a list": (100, {"type": "contacts", "contacts": contact()}),
    "contact without a name": (131008, {"type": "contacts", "contacts": [contact(name=None)]}),
    "contact with an empty name": (
        131008, {"type": "contacts", "contacts": [contact(name={"formatted_name": ""})]}
    ),  # fmt: skip
    "contact with no parts": (131008, {"type": "contacts", "contacts": [{}]}),
    "contact with a number's type alone": (
        131008, {"type": "contacts", "contacts": [contact(phones=[{"type": "WORK"}])]}
    ),  # fmt: skip
    "contact with an address's type alone": (
        131008, {"type": "contacts", "contacts": [contact(emails=[{"type": "WORK"}])]}
    ),  # fmt: skip
    "contact with a link's type alone": (
        131008, {"type": "contacts", "contacts": [contact(urls=[{"type": "WORK"}])]}
    ),  # fmt: skip
    "contact born oddly": (131009, {"type": "contacts", "contacts": [contact(birthday="28/02/1990")]}),
    "reaction to nothing": (131008, {"type": "reaction", "reaction": {"emoji": "👍"}}),
    "reaction without an emoji": (131008, {"type": "reaction", "reaction": {"message_id": "wamid.X"}}),
    "reaction quoting": (
        131009,
        {
            "type": "reaction",
            "reaction": {"message_id": "wamid.X", "emoji": "👍"},
            "context": {"message_id": "wamid.X"},
        },
    ),
    "interactive of no kind": (131008, {"type": "interactive", "interactive": {"body": BODY}}),
    "interactive of unknown kind": (131009, interactive("poll", {})),
    "no buttons": (131009, buttons()),
    "four buttons": (131009, buttons(*(reply(str(n), str(n)) for n in range(4)))),
    "button title of 21": (131009, buttons(reply(title="x" * 21))),
    "button id of 257": (131009, buttons(reply(id="x" * 257))),
    "button titles alike": (131009, buttons(reply("a"), reply("b"))),
    "button ids alike": (131009, buttons(reply("a", "One"), reply("a", "Two"))),
    "button without a body": (131008, interactive("button", {"buttons": [reply()]}, body=None)),
    "button without an action": (131008, interactive("button", None)),
    "body of 1025": (131009, interactive("button", {"buttons": [reply()]}, body={"text": "x" * 1025})),
    "footer of 61": (131009, interactive("button", {"buttons": [reply()]}, footer={"text": "x" * 61})),
    "header of 61": (
        131009,
        interactive("button", {"buttons": [reply()]}, header={"type": "text", "text": "x" * 61}),
    ),
    "header of unknown kind": (131009, interactive("button", {"buttons": [reply()]}, header={"type": "audio"})),
    "header without its file": (131008, interactive("button", {"buttons": [reply()]}, header={"type": "image"})),
    "list with a picture": (
        131009,
        interactive(
            "list",
            {"button": "Open", "sections": [{"rows": rows(1)}]},
            header={"type": "image", "image": {"link": LINK}},
        ),
    ),
    "eleven rows": (131009, sections({"title": "A", "rows": rows(6)}, {"title": "B", "rows": rows(5, 6)})),
    "sections without titles": (131008, sections({"rows": rows(1)}, {"rows": rows(1, 1)})),
    "no sections": (131009, sections()),
    "list button of 21": (131009, sections({"rows": rows(1)}, button="x" * 21)),
    "section title of 25": (131009, sections({"title": "x" * 25, "rows": rows(1)})),
    "row title of 25": (131009, sections({"rows": [{"id": "a", "title": "x" * 25}]})),
    "row id of 201": (131009, sections({"rows": [{"id": "x" * 201, "title": "a"}]})),
    "row description of 73": (131009, sections({"rows": [{"id": "a", "title": "a", "description": "x" * 73}]})),
    "row ids alike": (131009, sections({"rows": [*rows(1), *rows(1)]})),
    "link button of 21": (131009, cta(label="x" * 21)),
    "link button to nowhere": (131009, cta(url="nowhere")),
    "link button misnamed": (131009, interactive("cta_url", {"name": "url", "parameters": {}})),
    "location request misnamed": (131009, interactive("location_request_message", {"name": "location"})),
    "flow of nothing": (131008, flow(flow_id=None)),
    "flow by both": (131009, flow(flow_name="signup")),
    "flow of version 2": (131009, flow(flow_message_version="2")),
    "flow label of 31": (131009, flow(flow_cta="x" * 31)),
    "product of no catalog": (131008, interactive("product", {"product_retailer_id": "sku1"})),
    "product list without a header": (131008, products({"title": "New", "product_items": items(1)}, header=None)),
    "31 products": (
        131009,
        products({"title": "A", "product_items": items(16)}, {"title": "B", "product_items": items(15)}),
    ),
    "address elsewhere": (
        131009,
        interactive("address_message", {"name": "address_message", "parameters": {"country": "SG"}}),
    ),
    "one card": (131009, carousel(url_card(0))),
    "eleven cards": (131009, carousel(*(url_card(n % 10) for n in range(11)))),
    "cards of two kinds": (131009, carousel(url_card(0), product_card(1))),
    "cards of two catalogs": (131009, carousel(product_card(0), product_card(1, "5552"))),
    "cards with uneven buttons": (131009, carousel(reply_card(0, "a"), reply_card(1, "b", "c"))),
    "card body of 161": (131009, carousel(url_card(0, body={"text": "x" * 161}), url_card(1))),
    "card body of four lines": (131009, carousel(url_card(0, body={"text": "a\nb\nc\nd"}), url_card(1))),
    "card with an upload": (
        100,
        carousel(url_card(0, header={"type": "image", "image": {"id": "MEDIA"}}), url_card(1)),
    ),
    "call button of 21": (
        131009,
        interactive("voice_call", {"name": "voice_call", "parameters": {"display_text": "x" * 21}}),
    ),
    "call for too long": (
        131009,
        interactive("voice_call", {"name": "voice_call", "parameters": {"ttl_minutes": 43201}}),
    ),
    "template without a language": (131008, {"type": "template", "template": {"name": "hello_world"}}),
    "template unknown": (132001, template("nothing")),
    "template in another language": (132001, template("hello_world", language="fr")),
    "template not yet approved": (132001, template("waiting")),
    "template rejected": (132001, template("reject_me")),
    "template paused": (132015, template("paused")),
    "template disabled": (132016, template("disabled")),
    "template with too few": (
        132000,
        template("order_ready", PICTURE, values("body", "Ana"), button(1, "url", type="text", text="a")),
    ),
    "template with too many": (132000, template("hello_world", values("body", "Ana"), language="en_US")),
    "template without its picture": (
        132000,
        template("order_ready", values("body", "Ana", "1"), button(1, "url", type="text", text="a")),
    ),
    "template with text for a picture": (
        132012,
        template(
            "order_ready",
            values("header", "x"),
            values("body", "Ana", "1"),
            button(1, "url", type="text", text="a"),
        ),
    ),
    "template without its link": (131008, template("order_ready", PICTURE, values("body", "Ana", "1"))),
    "template with a button too many": (
        132018,
        template("hello_world", button(0, "quick_reply", type="payload", payload="x"), language="en_US"),
    ),
    "template with another button": (
        132018,
        template(
            "order_ready", PICTURE, values("body", "Ana", "1"), button(1, "quick_reply", type="payload", payload="x")
        ),
    ),
    "template with a line break": (
        132018,
        template("order_ready", PICTURE, values("body", "A\nna", "1"), button(1, "url", type="text", text="a")),
    ),
    "template too long": (
        132005,
        template("order_ready", PICTURE, values("body", "x" * 1020, "1"), button(1, "url", type="text", text="a")),
    ),
    "named template by number": (132000, template("greeting", values("body", "Ana", "Shop"))),
    "named template misnamed": (132000, template("greeting", named(first_name="Ana", store="Shop"))),
    "code of 16": (
        132018,
        template("login_code", values("body", "1" * 16), button(0, "url", type="text", text="1" * 16)),
    ),
    "code to a BSUID": (
        131062,
        {
            **template("login_code", values("body", "123456"), button(0, "url", type="text", text="123456")),
            **BSUID,
        },
    ),
    "template with an unknown component": (131009, template("hello_world", {"type": "tail"}, language="en_US")),
    "template with an unknown key": (100, template("hello_world", language="en_US", colour="blue")),
    "group unknown": (131041, {**TEXT, "recipient_type": "group", "to": "nowhere"}),
    "buttons in a group": (131051, {**buttons(reply()), **GROUP}),
    "pin outside a group": (131009, {"type": "pin", "pin": {"type": "pin", "message_id": "wamid.X"}}),
}
