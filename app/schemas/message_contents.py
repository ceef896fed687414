"""JSON Schemas of the `content` of a customer's message, by type, for the API's description.

Absent facts are null, and further keys of Meta's may occur. No key is required, because Meta's JSON of an unexpected
shape is kept unchanged, and the content of an erased message is empty.
"""

from __future__ import annotations

from typing import Any

Shape = dict[str, Any]


def _of(kind: str, description: str) -> Shape:
    return {"type": [kind, "null"], "description": description}


def _metas(description: str) -> Shape:
    """Return the schema of a key with any value of Meta's, unchanged."""
    return {"description": description}


_FILE = {
    "media_id": _of("string", "Our id of the file: see `/api/media`."),
    "url": _of("string", "A path of the gateway that opens the file: for an hour without a key, then with one."),
    "mime_type": _of("string", "As `image/jpeg`."),
    "sha256": _of("string", "Meta's digest of the file, in base64."),
    "size": _of("integer", "Bytes, once the file is stored here: Meta does not say. Null until then."),
    "filename": _of("string", "As the customer has it; of documents."),
    "caption": _of("string", "What was written below it."),
    "animated": _of("boolean", "Of stickers."),
}
_ID, _TITLE = _of("string", "The id that you gave it."), _of("string", "What the customer saw.")

CONTENTS: dict[str, Shape] = {
    "text": {"body": _of("string", "The text.")},
    **dict.fromkeys(("image", "video", "audio", "voice", "document", "sticker"), _FILE),
    "location": {
        "latitude": _of("number", "Degrees."),
        "longitude": _of("number", "Degrees."),
        "name": _of("string", "Of the place."),
        "address": _of("string", "Of the place."),
        "url": _of("string", "Of the place."),
    },
    "reaction": {
        "emoji": _of("string", "Null when the reaction was taken back."),
        "to": _of("string", "The wamid of the message that it is about."),
    },
    "button": {"id": _ID | {"description": "The id or payload that you gave it."}, "title": _TITLE},
    "list_reply": {"id": _ID, "title": _TITLE, "description": _of("string", "The line below the title.")},
    "form": {
        "name": _of("string", "`flow`, or `address_message`."),
        "response": {"description": "What was filled in, read as JSON; as it came where it is none."},
    },
    "order": {
        "catalog_id": _metas("Meta's id of the catalogue."),
        "text": _metas("What the customer wrote with it."),
        "product_items": _metas("As Meta's: `product_retailer_id`, `quantity`, …"),
    },
    "call_permission": {"response": _metas("`accept` or `reject`; the rest as Meta's.")},
    "system": {"type": _metas("What happened, in Meta's word."), "body": _metas("Meta's sentence.")},
    "unsupported": {"type": _metas("What it was, in Meta's word, such as `poll_creation`.")},
}
"""Schemas by `message_type`. `contacts` is Meta's list of cards; all other types are Meta's object, unchanged."""

CARDS: Shape = {"description": "A list of cards as Meta's: `name`, `phones`, `emails`, `org`, `origin` …"}


def branches() -> list[Shape]:
    """Return one if-then branch per type: if it is a customer's message of the type, its content has this schema."""
    shapes = {name: {"properties": keys} for name, keys in CONTENTS.items()} | {"contacts": CARDS}
    return [
        {
            "if": {
                "properties": {"message_type": {"const": name}, "direction": {"const": "inbound"}},
                "required": ["message_type", "direction"],
            },
            "then": {"properties": {"content": shape}},
        }
        for name, shape in shapes.items()
    ]
