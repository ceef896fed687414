"""No operation of the API is without a method, and the methods are those of this API."""

from __future__ import annotations

import ast
import inspect
import sys
from typing import Any

import pytest
from flask import Flask

import whatsapp_service_client
from app import __version__
from client.generate import BY_HAND, PACKAGE, _snake, generate
from whatsapp_service_client import Client


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return found


def test_every_operation_has_a_method_and_what_is_made_is_up_to_date(document: dict[str, Any]) -> None:
    made = generate(document)

    stale = [name for name, text in made.items() if (PACKAGE / name).read_text() != text]
    there = {f"operations/{path.name}" for path in (PACKAGE / "operations").glob("*.py")} - {"operations/base.py"}
    assert not stale, "run .venv/bin/python -m client.generate"
    assert there == set(made) - {"types.py"}
    for methods in document["paths"].values():
        for operation in methods.values():
            method = getattr(Client, _snake(operation["operationId"]))
            assert inspect.getdoc(method), operation["operationId"]
    assert {_snake(name) for name in BY_HAND} <= set(vars(Client))


def test_a_query_or_a_field_that_is_new_stands_in_a_signature(document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/messages"]["get"]

    named = set(inspect.signature(Client.list_messages).parameters)

    assert {each["name"] for each in operation["parameters"]} <= named


def test_it_needs_requests_and_the_standard_library_alone() -> None:
    imported = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])

    assert imported - sys.stdlib_module_names == {"requests", "whatsapp_service_client"}


def test_it_has_the_gateways_version() -> None:
    assert whatsapp_service_client.__version__ == __version__
