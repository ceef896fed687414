"""Make the client's types and operations of the API's description, and say whether they are up to date.

    .venv/bin/python -m client.generate          writes client/whatsapp_service_client/types.py and operations/

A test compares what is there with what this would write, so that no operation is forgotten.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent / "whatsapp_service_client"
WIDTH = 120
BY_HAND = {"answerConversation", "checkSend", "sendMessage", "uploadFile"}
SENDS = ("SendMessage", "BulkMessage")
"""What is a send is described by hand, in `bodies`: by its hundred shapes nobody could write one."""

Json = dict[str, Any]
_MADE = "Made of the API's description by `client/generate.py`."


def generate(document: Json) -> dict[str, str]:
    """Return the text of each file by its path in the package, made of `/openapi.json`."""
    schemas: dict[str, Json] = document["components"]["schemas"]
    by_tag: dict[str, list[tuple[str, str, Json]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    writer = _Operations(schemas)
    files = {f"operations/{_module(tag)}.py": writer.module(tag, found) for tag, found in sorted(by_tag.items())}
    files["operations/__init__.py"] = _all(sorted(by_tag))
    answered = {name for found in by_tag.values() for each in found for name in _types_of(each[2])}
    files["types.py"] = _types(schemas, writer.names | answered)
    return files


def _types_of(operation: Json) -> set[str]:
    """The types that methods written by hand return."""
    if operation["operationId"] not in BY_HAND | {"listEvents"}:
        return set()
    return {"Event" if name == "EventList" else name for name in _named(_answer(operation) or {})}


class _Operations:
    """Writes the modules of operations, and remembers which types they name."""

    def __init__(self, schemas: dict[str, Json]) -> None:
        self._schemas = schemas
        self.names: set[str] = set()

    def module(self, tag: str, found: list[tuple[str, str, Json]]) -> str:
        wanted = [each for each in found if each[2]["operationId"] not in BY_HAND]
        methods = [self._method(*each) for each in wanted]
        body = "\n\n".join(methods)
        used = {name for name in self._schemas if re.search(rf"\b{name}\b", body)}
        self.names |= used
        imports = _imports(body, used)
        return f'"""{tag}. {_MADE}"""\n\n{imports}\n\nclass {_class(tag)}(Operations):\n    """{tag}."""\n\n{body}\n'

    def _method(self, method: str, path: str, operation: Json) -> str:
        ids = [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"]
        query = [each for each in operation.get("parameters", []) if each["in"] == "query"]
        answer = _answer(operation)
        item = self._item(answer)
        fields = self._fields(operation)
        if item and operation["operationId"] == "listEvents":
            query = [each for each in query if each["name"] not in ("after", "wait")]
        named = [self._option(each["name"], each["schema"], is_needed=False) for each in query]
        named = [*(self._option(*each, can_be_null=True) for each in fields), *named]
        named.sort(key=lambda each: "=" in each)
        if method != "GET":
            named.append("idempotency_key: str | None = None")
        returns = "Download" if answer is None else f"Pages[{item}]" if item else self._annotation(answer)
        head = _head(_snake(operation["operationId"]), ["self", *(f"{each}: str" for each in ids)], named, returns)
        arguments = "".join(f", {each}={each}" for each in ids)
        where = f'path_of("{path}"{arguments})' if ids else f'"{path}"'
        lines = [head, _docstring(operation, query, fields)]
        lines += _call(method, where, [each["name"] for each in query], [each[0] for each in fields], returns, item)
        return "\n".join(lines)

    def _fields(self, operation: Json) -> list[tuple[str, Json, bool]]:
        """Each key of the body: its name, its schema, and whether it is needed."""
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return []
        schema = self._schemas[content["schema"]["$ref"].rpartition("/")[2]]
        needed = schema.get("required", [])
        return [(name, each, name in needed) for name, each in schema["properties"].items()]

    def _option(self, name: str, schema: Json, is_needed: bool, can_be_null: bool = False) -> str:
        written = self._annotation(schema, takes_times=True)
        if is_needed:
            return f"{name}: {written}"
        return f"{name}: {written} | Unset = UNSET" if can_be_null else f"{name}: {written} | None = None"

    def _item(self, answer: Json | None) -> str | None:
        """The type of a list's items, if the answer is a list with a cursor."""
        schema = self._schemas.get((answer or {}).get("$ref", "").rpartition("/")[2], {})
        properties = schema.get("properties", {})
        if properties.keys() != {"data", "next_cursor"}:
            return None
        return self._annotation(properties["data"]["items"])

    def _annotation(self, schema: Json, takes_times: bool = False) -> str:
        return annotation(schema, takes_times)


def annotation(schema: Json, takes_times: bool = False) -> str:
    """Return what a JSON Schema is in Python. What may get more values is any text."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "SendBody" if name in SENDS else str(name)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            found = [annotation(each, takes_times) for each in schema[several]]
            return _union(["str"] if "str" in found else found)
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return _union([annotation(schema | {"type": kind}, takes_times) for kind in kinds])
    if "enum" in schema and set(schema["enum"]) == {"true", "false", "1", "0"}:
        return "bool"
    if "enum" in schema and kinds != "null":
        return f"Literal[{', '.join(_quoted(each) for each in schema['enum'] if each is not None)}]"
    if kinds == "array":
        return f"list[{annotation(schema.get('items', {}), takes_times)}]"
    if kinds == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {annotation(values) if isinstance(values, dict) else 'Any'}]"
    if kinds == "string" and takes_times and schema.get("format") == "date-time":
        return "str | datetime"
    return {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}.get(kinds, "Any")


def _union(found: list[str]) -> str:
    kept = list(dict.fromkeys(part for each in found for part in ([each] if "[" in each else each.split(" | "))))
    return "Any" if "Any" in kept else " | ".join(sorted(kept, key=lambda each: each == "None"))


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _named(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for name, each in schema.items():
            if name not in ("discriminator", "examples"):
                yield from _named(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _named(each)


def _answer(operation: Json) -> Json | None:
    """The schema of a JSON answer; None for bytes."""
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            content = answer.get("content", {})
            # Where there may be bytes, too, they are bytes to the caller.
            return content["application/json"]["schema"] if list(content) == ["application/json"] else None
    return None


def _head(name: str, positional: list[str], named: list[str], returns: str) -> str:
    parts = [*positional, *(["*", *named] if named else [])]
    line = f"    def {name}({', '.join(parts)}) -> {returns}:"
    if len(line) <= WIDTH:
        return line
    inside = "".join(f"        {part},\n" for part in parts)
    return f"    def {name}(\n{inside}    ) -> {returns}:"


def _docstring(operation: Json, query: list[Json], fields: list[tuple[str, Json, bool]]) -> str:
    paragraphs = operation.get("description", operation["summary"]).split("\n\n")
    said = [(each["name"], each.get("description") or each["schema"].get("description")) for each in query]
    said += [(name, schema.get("description")) for name, schema, _ in fields]
    notes = [f"- `{name}`: {text}" for name, text in said if text]
    parts = ["\n".join(textwrap.wrap(each, WIDTH - 8)) for each in paragraphs]
    if notes:
        parts.append("\n".join("\n".join(textwrap.wrap(each, WIDTH - 8, subsequent_indent="  ")) for each in notes))
    text = "\n\n".join(parts)
    if "\n" not in text and len(text) <= WIDTH - 14:
        return f'        """{text}"""'
    first, *rest = text.split("\n")
    if len(first) > WIDTH - 11:
        first, *more = textwrap.wrap(first, WIDTH - 12)
        rest = [*more, *rest]
    indented = "\n".join(f"        {line}".rstrip() for line in rest)
    return f'        """{first}\n{indented}\n        """'


def _call(method: str, where: str, query: list[str], fields: list[str], returns: str, item: str | None) -> list[str]:
    lines = [f"        path = {where}"]
    names = [each for each in query if each != "cursor"] if item else query
    arguments = [f'"{method}"', "path"]
    if query:
        lines += _mapping("query", names)
        arguments.append("query=query")
    if fields:
        lines += _mapping("body", fields)
        arguments.append("body=body")
    if method != "GET":
        arguments.append("idempotency_key=idempotency_key")
    if item:
        more = ", query" if query else ", {}"
        return [*lines, f'        return self._pages(path{more}{", cursor" if "cursor" in query else ""})']
    if returns == "Download":
        return [*lines, f"        return Download(self.transport.send({', '.join(arguments)}, stream=True))"]
    return [*lines, f"        return cast({returns}, self.transport.json({', '.join(arguments)}))"]


def _mapping(name: str, keys: list[str]) -> list[str]:
    line = f"        {name} = {{{', '.join(f'{_quoted(each)}: {each}' for each in keys)}}}"
    if len(line) <= WIDTH:
        return [line]
    return [f"        {name} = {{", *(f"            {_quoted(each)}: {each}," for each in keys), "        }"]


def _imports(body: str, used: set[str]) -> str:
    typing = [each for each in ("Any", "Literal", "cast") if re.search(rf"\b{each}\b", _code(body))]
    lines = ["from __future__ import annotations\n"]
    if "datetime" in body:
        lines.append("from datetime import datetime")
    if typing:
        lines.append(f"from typing import {', '.join(typing)}")
    if len(lines) > 1:
        lines[-1] += "\n"
    package = "whatsapp_service_client"
    if "SendBody" in body:
        lines.append(f"from {package}.bodies import SendBody")
    if "Download" in body:
        lines.append(f"from {package}.downloads import Download")
    lines.append(f"from {package}.operations.base import Operations")
    if "Pages[" in body:
        lines.append(f"from {package}.pages import Pages")
    from_transport = [each for each in ("UNSET", "Unset", "path_of") if re.search(rf"\b{each}\b", body)]
    if from_transport:
        lines.append(f"from {package}.transport import {', '.join(from_transport)}")
    if used:
        line = f"from {package}.types import {', '.join(sorted(used))}"
        if len(line) > WIDTH:
            line = f"from {package}.types import (\n" + "".join(f"    {each},\n" for each in sorted(used)) + ")"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _code(body: str) -> str:
    """The body without what is said in words."""
    return re.sub(r'""".*?"""', "", body, flags=re.DOTALL)


def _all(tags: list[str]) -> str:
    package = "whatsapp_service_client.operations"
    imports = "\n".join(f"from {package}.{_module(tag)} import {_class(tag)}" for tag in tags)
    bases = "".join(f"    {_class(tag)},\n" for tag in tags)
    text = f'"""Every operation of the API. {_MADE}"""\n\n{imports}\n\n\nclass AllOperations(\n{bases}):\n'
    return text + '    """Every operation of the API but those that `client` writes by hand."""\n'


def _types(schemas: dict[str, Json], roots: set[str]) -> str:
    found: set[str] = set()
    ahead = sorted(roots & schemas.keys())
    while ahead:
        name = ahead.pop()
        if name not in found and name not in SENDS:
            found.add(name)
            ahead += _named(schemas[name])
    texts = [_type(name, schemas[name]) for name in schemas if name in found]
    # What unites others names them at once, when the module is loaded, and comes after them.
    texts.sort(key=lambda text: not text.startswith("class"))
    body = "\n\n\n".join(texts)
    typing = [each for each in ("Any", "Literal", "NotRequired", "TypedDict") if re.search(rf"\b{each}\b", body)]
    sends = "\nfrom whatsapp_service_client.bodies import SendBody\n" if "SendBody" in body else ""
    head = f'"""Shapes of what the gateway answers and takes. {_MADE}"""\n\nfrom __future__ import annotations\n'
    return f"{head}\nfrom typing import {', '.join(typing)}\n{sends}\n\n{body}\n"


def _type(name: str, schema: Json) -> str:
    if schema.get("type") != "object":
        united = annotation(schema)
        line = f"{name} = {united}"
        if len(line) > WIDTH:
            line = f"{name} = (\n    " + "\n    | ".join(united.split(" | ")) + "\n)"
        return f'{line}\n"""{schema.get("description", name)}"""'
    needed = schema.get("required", [])
    fields = []
    for key, each in schema.get("properties", {}).items():
        if not key.isidentifier() or keyword.iskeyword(key):
            raise ValueError(f"{name}.{key} cannot be a field")
        written = annotation(each)
        fields.append(f"    {key}: {written if key in needed else f'NotRequired[{written}]'}")
        if each.get("description"):
            fields += _said(each["description"], "    ")
    return "\n".join([f"class {name}(TypedDict):", *_said(schema.get("description", name), "    "), "", *fields])


def _said(text: str, indent: str) -> list[str]:
    lines = textwrap.wrap(" ".join(text.split()), WIDTH - len(indent) - 6)
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{each}" for each in lines[1:]), f'{indent}"""']


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("open_api", "openapi")


def _module(tag: str) -> str:
    return re.sub(r"\W+", "_", tag.lower())


def _class(tag: str) -> str:
    return "".join(each.capitalize() for each in re.split(r"\W+", tag))


def main() -> None:
    """Write the files."""
    from app import create_app
    from app.config.environment import load_environment
    from app.config.settings import load_config

    document = create_app(load_config(load_environment())).test_client().get("/openapi.json").get_json()
    made = generate(document)
    for path in (PACKAGE / "operations").glob("*.py"):
        if path.name != "base.py":
            path.unlink()
    for name, text in made.items():
        (PACKAGE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
