"""What Graph accepts as an interactive message, one rule per kind.

Source: Meta: messages/interactive-* and catalogs/*; where Meta's pages disagree, the wider limit is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.graph.errors import invalid, missing
from simulator.graph.media.types import LINK, by_link, media
from simulator.graph.rules import (
    Rule,
    anything,
    array,
    by_type,
    choice,
    every,
    exactly_one,
    free_object,
    integer,
    structure,
    text,
)

_TEXT = structure({"type": anything, "text": text(60)})
_TEXT_HEADER = by_type({"text": _TEXT})
_HEADER = by_type(
    {
        "text": _TEXT,
        "image": structure({"type": anything, "image": media()}),
        "video": structure({"type": anything, "video": media()}),
        "document": structure({"type": anything, "document": media(filename=text(240))}),
    }
)
_BODY = structure({"text": text(1024)})
_FOOTER = structure({"text": text(60)})
_MOST_LIST_ROWS = 10
_MOST_PRODUCTS = 30


def _kind(action: Rule, *, header: Rule | None = None, footer: bool = True, required: tuple[str, ...] = ()) -> Rule:
    parts: dict[str, Rule] = {"type": anything, "action": action, "body": _BODY}
    if header is not None:
        parts["header"] = header
    if footer:
        parts["footer"] = _FOOTER
    return structure({key: parts[key] for key in ("type", "action", *required)}, parts)


def _named(name: str, parameters: Rule | None = None, *, required: bool = True) -> Rule:
    """The `action` of the kinds that repeat their name there."""
    extra = {"parameters": parameters} if parameters else {}
    return structure({"name": choice(name), **(extra if required else {})}, extra)


def _unique(pick: Callable[[dict[str, Any]], list[Any]], path_of: str) -> Rule:
    def rule(value: Any, path: str) -> None:
        found = pick(value)
        if len(set(found)) < len(found):
            raise invalid(f"{path}{path_of}", "must be unique")

    return rule


def _titled_sections(items: str, most: int) -> Rule:
    """Sections need titles once there are several of them, and share one limit of items."""

    def rule(value: Any, path: str) -> None:
        sections = value["sections"]
        if len(sections) > 1 and not all(section.get("title") for section in sections):
            raise missing(f"{path}['sections']['title']")
        if sum(len(section[items]) for section in sections) > most:
            raise invalid(f"{path}['sections']", f"may hold {most} items in total")

    return rule


def _alike(value: Any, path: str) -> None:
    """The cards of a carousel are of one type, and have equally many buttons of one kind or one catalog."""
    shapes = set()
    for card in value["cards"]:
        action = card["action"]
        shapes.add((card["type"], len(action.get("buttons", [])), action.get("catalog_id")))
    if len(shapes) > 1:
        raise invalid(f"{path}['cards']", "must all have the same type, buttons and catalog")


def _few_line_breaks(value: Any, path: str) -> None:
    if value["text"].count("\n") > 2:
        raise invalid(f"{path}['text']", "may hold two line breaks")


def _product_sections() -> Rule:
    item = structure({"product_retailer_id": text(100)})
    section = structure({"product_items": array(item, 1, _MOST_PRODUCTS)}, {"title": text(24)})
    action = structure({"catalog_id": text(64), "sections": array(section, 1, 10)})
    return every(action, _titled_sections("product_items", _MOST_PRODUCTS))


_REPLY = structure({"type": choice("reply"), "reply": structure({"id": text(256), "title": text(20)})})
_BUTTONS = every(
    structure({"buttons": array(_REPLY, 1, 3)}),
    _unique(lambda action: [button["reply"]["title"] for button in action["buttons"]], "['buttons']['title']"),
    _unique(lambda action: [button["reply"]["id"] for button in action["buttons"]], "['buttons']['id']"),
)
_ROW = structure({"id": text(200), "title": text(24)}, {"description": text(72)})
_LIST = every(
    structure(
        {
            "button": text(20),
            "sections": array(structure({"rows": array(_ROW, 1, _MOST_LIST_ROWS)}, {"title": text(24)}), 1, 10),
        }
    ),
    _titled_sections("rows", _MOST_LIST_ROWS),
    _unique(lambda action: [row["id"] for section in action["sections"] for row in section["rows"]], "['rows']['id']"),
)
_URL_BUTTON = _named("cta_url", structure({"display_text": text(20), "url": LINK}))
_QUICK_REPLY = structure(
    {"type": choice("quick_reply"), "quick_reply": structure({"id": text(256), "title": text(20)})}
)
_CARDS = {
    "cta_url": structure(
        {
            "card_index": integer(0, 9),
            "type": anything,
            "header": by_type(
                {
                    "image": structure({"type": anything, "image": by_link()}),
                    "video": structure({"type": anything, "video": by_link()}),
                }
            ),
            "action": lambda value, path: (
                structure({"buttons": array(_QUICK_REPLY, 1, 2)})(value, path)
                if isinstance(value, dict) and "buttons" in value
                else _URL_BUTTON(value, path)
            ),
        },
        {"body": every(structure({"text": text(160)}), _few_line_breaks)},
    ),
    "product": structure(
        {
            "card_index": integer(0, 9),
            "type": anything,
            "action": structure({"product_retailer_id": text(100), "catalog_id": text(64)}),
        }
    ),
}
_CAROUSEL = every(structure({"cards": array(by_type(_CARDS), 2, 10)}), _alike)
_FLOW = every(
    structure(
        {"flow_message_version": choice("3"), "flow_cta": text(30)},
        {
            "flow_id": text(64),
            "flow_name": text(200),
            "flow_token": text(200),
            "mode": choice("draft", "published"),
            "flow_action": choice("navigate", "data_exchange"),
            "flow_action_payload": structure({"screen": text(80)}, {"data": free_object}),
        },
    ),
    exactly_one("flow_id", "flow_name"),
)
_ADDRESS = structure(
    {"country": choice("IN")},
    {"values": free_object, "saved_addresses": array(free_object, 0, 100), "validation_errors": free_object},
)
_CALL = structure(optional={"display_text": text(20), "ttl_minutes": integer(1, 43200), "payload": text(512)})
_THUMBNAIL = structure(optional={"thumbnail_product_retailer_id": text(100)})

INTERACTIVE = by_type(
    {
        "button": _kind(_BUTTONS, header=_HEADER, required=("body",)),
        "list": _kind(_LIST, header=_TEXT_HEADER, required=("body",)),
        "cta_url": _kind(_URL_BUTTON, header=_HEADER, required=("body",)),
        "location_request_message": _kind(_named("send_location"), footer=False, required=("body",)),
        "flow": _kind(_named("flow", _FLOW), header=_HEADER, required=("body",)),
        "product": _kind(structure({"catalog_id": text(64), "product_retailer_id": text(100)})),
        "product_list": _kind(_product_sections(), header=_TEXT_HEADER, required=("header", "body")),
        "catalog_message": _kind(_named("catalog_message", _THUMBNAIL, required=False), required=("body",)),
        "address_message": _kind(_named("address_message", _ADDRESS), required=("body",)),
        "carousel": _kind(_CAROUSEL, footer=False, required=("body",)),
        "call_permission_request": _kind(_named("call_permission_request"), footer=False),
        "voice_call": _kind(_named("voice_call", _CALL, required=False), required=("body",)),
        "request_contact_info": _kind(_named("request_contact_info"), required=("body",)),
    }
)
