"""Places, shared contacts, carts and filled-in forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from app.web.inbox.rendering.parts import Card, Line, Order, OrderLine, Place
from app.web.inbox.rendering.values import items, mail_url, number, obj, phone_url, safe_url, text

MOST_ROWS = 100
_DEEPEST = 4


def read_place(value: Any) -> Place:
    """Return a location. Its link opens OpenStreetMap at the coordinates, or searches for the address."""
    latitude, longitude = number(value, "latitude"), number(value, "longitude")
    name, address = text(value, "name"), text(value, "address")
    url, coordinates = None, ""
    if latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180:
        coordinates = f"{latitude:.5f}, {longitude:.5f}"
        where = f"?mlat={latitude:.6f}&mlon={longitude:.6f}#map=17/{latitude:.6f}/{longitude:.6f}"
        url = f"https://www.openstreetmap.org/{where}"
    elif name or address:
        url = f"https://www.openstreetmap.org/search?query={quote(f'{name} {address}'.strip()[:300])}"
    return Place(url, name, address, coordinates)


def read_cards(value: Any) -> tuple[Card, ...]:
    """Return the shared contacts."""
    cards = value if isinstance(value, list) else [value]
    return tuple(_card(card) for card in cards[:MOST_ROWS])


def _card(card: Any) -> Card:
    name = obj(card, "name")
    parts = " ".join(filter(None, (text(name, "first_name"), text(name, "last_name"))))
    work = ", ".join(filter(None, (text(card, "org", key) for key in ("title", "department", "company"))))
    lines = tuple(_lines(card))[:MOST_ROWS]
    return Card(text(name, "formatted_name") or parts or (lines[0].value if lines else ""), work, lines)


def _lines(card: Any) -> Iterator[Line]:
    for phone in items(card, "phones"):
        if shown := text(phone, "phone") or text(phone, "wa_id"):
            yield Line(text(phone, "type"), shown, phone_url(shown))
    for email in items(card, "emails"):
        if shown := text(email, "email"):
            yield Line(text(email, "type"), shown, mail_url(shown))
    for url in items(card, "urls"):
        if shown := text(url, "url"):
            yield Line(text(url, "type"), shown, safe_url(shown))
    for address in items(card, "addresses"):
        keys = ("street", "city", "state", "zip", "country")
        if shown := ", ".join(filter(None, (text(address, key) for key in keys))):
            yield Line(text(address, "type"), shown)
    if birthday := text(card, "birthday"):
        yield Line("🎂", birthday)


def read_order(value: Any) -> Order:
    """Return a cart with its total, where all prices are of one currency."""
    found = list(items(value, "product_items"))[:MOST_ROWS]
    lines, total = [], 0.0
    for item in found:
        price = number(item, "item_price")
        total += (price or 0) * (number(item, "quantity") or 0)
        currency = text(item, "currency")[:8]
        shown = f"{price:,.2f} {currency}".strip() if price is not None else ""
        lines.append(OrderLine(text(item, "product_retailer_id"), text(item, "quantity"), shown))
    currencies = {text(item, "currency")[:8] for item in found}
    has_total = len(currencies) == 1 and total > 0
    return Order(tuple(lines), text(value, "text"), f"{total:,.2f} {currencies.pop()}".strip() if has_total else "")


def read_form(value: Any) -> tuple[Line, ...]:
    """Return what was filled in as labelled lines, nested answers with the path as their label."""
    response = obj(value).get("response")
    if isinstance(response, dict):
        response = {key: each for key, each in response.items() if key != "flow_token"}
    return tuple(_flat("", response, 0))[:MOST_ROWS]


def _flat(label: str, value: Any, depth: int) -> Iterator[Line]:
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, each in list(value.items())[:MOST_ROWS]:
            yield from _flat(f"{label} › {_label(key)}" if label else _label(key), each, depth + 1)
    elif isinstance(value, list):
        simple = [text(each) for each in value[:MOST_ROWS] if not isinstance(each, dict | list)]
        if simple:
            yield Line(label, ", ".join(simple))
        for each in value[:MOST_ROWS]:
            if isinstance(each, dict | list) and depth < _DEEPEST:
                yield from _flat(label, each, depth + 1)
    elif value is not None:
        yield Line(label, _yes_or_no(value) if isinstance(value, bool) else text(value))


def _label(key: Any) -> str:
    """Return a flow's field name as words: `screen_0_Full_name_0` is what Meta's own builder makes of "Full name"."""
    words = str(key).split("_")
    if len(words) > 3 and words[0] == "screen" and words[1].isdigit() and words[-1].isdigit():
        words = words[2:-1]
    return " ".join(filter(None, words))[:120]


def _yes_or_no(value: bool) -> str:
    return "✓" if value else "✗"
