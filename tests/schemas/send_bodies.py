"""One message of every kind, each as Meta's pages write it: what is added to product and recipient."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def interactive(kind: str, action: Json, **more: Any) -> Json:
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": "Body"}, "action": action, **more}}


def template(*components: Json) -> Json:
    language = {"code": "es", "policy": "deterministic"}
    return {"type": "template", "template": {"name": "ready", "language": language, "components": list(components)}}


def button(id_: str = "yes", title: str = "Yes") -> Json:
    return {"type": "reply", "reply": {"id": id_, "title": title}}


def buttons(*items: Json, **more: Any) -> Json:
    return interactive("button", {"buttons": list(items)}, **more)


def row(id_: str = "row1", **more: Any) -> Json:
    return {"id": id_, "title": "Small", **more}


def menu(*sections: Json, label: str = "Open", **more: Any) -> Json:
    return interactive("list", {"button": label, "sections": list(sections)}, **more)


def link(**parameters: Any) -> Json:
    return {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://example.com", **parameters}}


def flow(**parameters: Any) -> Json:
    start = {"flow_message_version": "3", "flow_cta": "Start", **parameters}
    return interactive("flow", {"name": "flow", "parameters": start})


def products(*sections: Json, **more: Any) -> Json:
    more = {"header": {"type": "text", "text": "Shop"}, **more}
    return interactive("product_list", {"catalog_id": "5551", "sections": list(sections)}, **more)


def product_section(count: int = 1, **more: Any) -> Json:
    return {"product_items": [{"product_retailer_id": f"sku{n}"} for n in range(count)], **more}


def contact(**more: Any) -> Json:
    return {"name": {"formatted_name": "Bo Li", "first_name": "Bo"}, **more}


def card(index: int, **more: Any) -> Json:
    image = {"type": "image", "image": {"link": f"https://example.com/{index}.jpg"}}
    return {"card_index": index, "type": "cta_url", "header": image, "body": {"text": "Fern"}, "action": link(), **more}


def product_card(index: int) -> Json:
    return {
        "card_index": index,
        "type": "product",
        "action": {"product_retailer_id": f"sku{index}", "catalog_id": "5551"},
    }


FLOW_PAYLOAD = {"screen": "ONE", "data": {"k": "v"}}

BODIES: dict[str, Json] = {
    "text": {"type": "text", "text": {"body": "see https://example.com", "preview_url": True}},
    "image by id": {"type": "image", "image": {"id": "111222333", "caption": "look"}},
    "image by link": {"type": "image", "image": {"link": "https://example.com/a.jpg"}},
    "video": {"type": "video", "video": {"link": "https://example.com/a.mp4", "caption": "clip"}},
    "voice": {"type": "audio", "audio": {"id": "111222334", "voice": True}},
    "document": {"type": "document", "document": {"id": "111222336", "caption": "bill", "filename": "bill.pdf"}},
    "sticker": {"type": "sticker", "sticker": {"id": "111222337"}},
    "location": {
        "type": "location",
        "location": {"latitude": "40.41", "longitude": "-3.70", "name": "Shop", "address": "Main St 1"},
    },
    "contacts": {
        "type": "contacts",
        "contacts": [contact(phones=[{"phone": "+34600999888", "type": "WORK", "wa_id": "34600999888"}])],
    },
    "contacts in full": {
        "type": "contacts",
        "contacts": [
            contact(
                emails=[{"email": "bo@example.com", "type": "WORK"}],
                urls=[{"url": "https://example.com", "type": "WORK"}],
                addresses=[{"street": "Main St 1", "city": "Madrid", "zip": "28001", "country_code": "es"}],
                org={"company": "X", "department": "Y", "title": "Z"},
                birthday="2012-08-18",
            )
        ],
    },
    "reaction": {"type": "reaction", "reaction": {"message_id": "wamid.T1", "emoji": "👍"}},
    "reaction removed": {"type": "reaction", "reaction": {"message_id": "wamid.T1", "emoji": ""}},
    "buttons": buttons(button(), header={"type": "text", "text": "Hi"}, footer={"text": "foot"}),
    "buttons under a document": buttons(
        button(), header={"type": "document", "document": {"id": "111222336", "filename": "bill.pdf"}}
    ),
    "list": menu(
        {"title": "Sizes", "rows": [row(description="10 cm")]},
        header={"type": "text", "text": "Menu"},
        footer={"text": "foot"},
    ),
    "link": interactive(
        "cta_url", link(), header={"type": "image", "image": {"link": "https://example.com/a.jpg"}}
    ),
    "location request": interactive("location_request_message", {"name": "send_location"}),
    "flow": flow(
        flow_id="8881", flow_token="t1", mode="published", flow_action="navigate", flow_action_payload=FLOW_PAYLOAD
    ),
    "flow by name": flow(flow_name="survey"),
    "product": interactive("product", {"catalog_id": "5551", "product_retailer_id": "sku1"}),
    "product list": products(product_section(title="New")),
    "catalogue": interactive(
        "catalog_message", {"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "sku1"}}
    ),
    "address": interactive(
        "address_message", {"name": "address_message", "parameters": {"country": "IN", "values": {"name": "Ana"}}}
    ),
    "carousel": interactive("carousel", {"cards": [card(0), card(1)]}),
    "carousel of replies": interactive(
        "carousel",
        {
            "cards": [
                card(n, action={"buttons": [{"type": "quick_reply", "quick_reply": {"id": f"b{n}", "title": "Yes"}}]})
                for n in range(2)
            ]
        },
    ),
    "carousel of products": interactive("carousel", {"cards": [product_card(0), product_card(1)]}),
    "call permission": interactive("call_permission_request", {"name": "call_permission_request"}),
    "voice call": interactive(
        "voice_call", {"name": "voice_call", "parameters": {"display_text": "Call", "ttl_minutes": 100}}
    ),
    "contact request": interactive("request_contact_info", {"name": "request_contact_info"}),
    "template": template(
        {"type": "header", "parameters": [{"type": "image", "image": {"id": "111222333"}}]},
        {
            "type": "body",
            "parameters": [
                {"type": "text", "parameter_name": "first_name", "text": "Ana"},
                {
                    "type": "currency",
                    "parameter_name": "price",
                    "currency": {"fallback_value": "10 EUR", "code": "EUR", "amount_1000": 10000},
                },
            ],
        },
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "0",
            "parameters": [{"type": "payload", "payload": "OK"}],
        },
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "abc123"}]},
    ),
    "template without components": template(),
    "template with a carousel": template(
        {"type": "CAROUSEL", "cards": [{"card_index": 0, "components": [{"type": "BODY", "parameters": []}]}]}
    ),
    "template with rarer parameters": template(
        {"type": "header", "parameters": [{"type": "location", "location": {"latitude": 40.41, "longitude": -3.7}}]},
        {"type": "body", "parameters": [{"type": "date_time", "date_time": {"fallback_value": "24 Nov"}}]},
        {
            "type": "limited_time_offer",
            "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1795500000000}}],
        },
        {
            "type": "button",
            "sub_type": "COPY_CODE",
            "index": 0,
            "parameters": [{"type": "coupon_code", "coupon_code": "SAVE10"}],
        },
        {
            "type": "button",
            "sub_type": "flow",
            "index": 1,
            "parameters": [{"type": "action", "action": {"flow_token": "t1"}}],
        },
    ),
}

PIN: Json = {"type": "pin", "pin": {"type": "pin", "message_id": "wamid.G1", "expiration_days": 7}}
