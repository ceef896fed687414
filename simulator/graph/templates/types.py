"""What Graph accepts as the `template` of a message, before it is held against the template itself.

Source: Meta: templates/* (sending), marketing-templates/*.
"""

from __future__ import annotations

from simulator.graph.media.types import media
from simulator.graph.rules import Rule, anything, array, by_type, choice, decimal, free_object, integer, structure, text

_NAMED: dict[str, Rule] = {"parameter_name": text(200)}
_CURRENCY = structure({"fallback_value": text(1024), "code": text(3), "amount_1000": integer(-(10**15), 10**15)})
_LOCATION = structure(
    {"latitude": decimal(-90, 90), "longitude": decimal(-180, 180)}, {"name": text(1000), "address": text(1000)}
)
_OFFER = structure({"expiration_time_ms": integer(0, 10**15)})


def _parameter(name: str, rule: Rule, *, optional: bool = False) -> Rule:
    own = {name: rule}
    return structure({"type": anything, **({} if optional else own)}, {**_NAMED, **own})


_PARAMETER = by_type(
    {
        "text": _parameter("text", text(32768)),
        "currency": _parameter("currency", _CURRENCY),
        "date_time": _parameter("date_time", structure({"fallback_value": text(1024)})),
        "image": _parameter("image", media()),
        "video": _parameter("video", media()),
        "document": _parameter("document", media(filename=text(240))),
        "location": _parameter("location", _LOCATION),
        "product": _parameter("product", structure({"product_retailer_id": text(100), "catalog_id": text(64)})),
        "payload": _parameter("payload", text(256)),
        "coupon_code": _parameter("coupon_code", text(15)),
        "limited_time_offer": _parameter("limited_time_offer", _OFFER),
        "action": _parameter("action", free_object),
    }
)
_PARAMETERS = array(_PARAMETER, 0, 100)
_BUTTON_KINDS = ("quick_reply", "url", "copy_code", "catalog", "flow", "mpm", "spm", "voice_call", "order_details")
_COMPONENTS: dict[str, Rule] = {
    "header": structure({"type": anything}, {"parameters": _PARAMETERS}),
    "body": structure({"type": anything}, {"parameters": _PARAMETERS}),
    "footer": structure({"type": anything}),
    "button": structure(
        {"type": anything, "sub_type": choice(*_BUTTON_KINDS), "index": integer(0, 9)}, {"parameters": _PARAMETERS}
    ),
    "limited_time_offer": structure({"type": anything, "parameters": _PARAMETERS}),
}
_CARD = structure({"card_index": integer(0, 9), "components": array(by_type(_COMPONENTS), 0, 20)})
_COMPONENT = by_type({**_COMPONENTS, "carousel": structure({"type": anything, "cards": array(_CARD, 1, 10)})})

TEMPLATE = structure(
    {
        "name": text(512, pattern="[a-z0-9_]+"),
        "language": structure({"code": text(15)}, {"policy": choice("deterministic")}),
    },
    {"components": array(_COMPONENT, 0, 20), "namespace": text(255)},
)
