"""A description for assistants: few routes, each with no more than they need, since all of it is read at every turn."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.schemas.send.kinds import ASSISTANT_SEND
from app.web.openapi.document import build, pruned, schema_of
from app.web.openapi.tags import API

OPERATIONS = (
    "sendMessage", "listMessages", "getMessage", "markMessageRead", "showTyping", "listContacts", "getContact",
    "handOverContact",
)  # fmt: skip
ABOUT = "Send WhatsApp messages and read what people wrote. Whoever did not write for 24 hours gets templates alone."
_NEEDED = ("2", "400", "404", "422", "429", "default")
"""Beginnings of the statuses that say something to an assistant."""


def build_for_assistants(app: Flask) -> dict[str, Any]:
    """The document, without `servers`."""
    whole = build(app, API)
    paths: dict[str, Any] = {}
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] in OPERATIONS:
                paths.setdefault(path, {})[method] = _short(operation)
    body = paths["/send/whatsapp"]["post"]["requestBody"]["content"]["application/json"]
    name = ASSISTANT_SEND.__name__
    body["schema"] = {"$ref": f"#/components/schemas/{name}"}
    components = whole["components"]
    schemas = components["schemas"] | schema_of(ASSISTANT_SEND)
    known = schemas[name]["properties"].keys()
    body["examples"] = {key: each for key, each in body.get("examples", {}).items() if each["value"].keys() <= known}
    tags = {operation["tags"][0] for methods in paths.values() for operation in methods.values()}
    return pruned(
        {
            "openapi": whole["openapi"],
            "info": whole["info"] | {"description": ABOUT},
            "tags": [each for each in whole["tags"] if each["name"] in tags],
            "paths": paths,
            "components": components | {"schemas": schemas},
        }
    )


def _short(operation: dict[str, Any]) -> dict[str, Any]:
    answers = {
        status: answer for status, answer in operation["responses"].items() if status.startswith(_NEEDED)
    }
    return operation | {"responses": answers}
