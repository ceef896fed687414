"""Log lines as Elasticsearch takes them: real lines fit the index template, and nothing in them is left unmapped."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from flask.testing import FlaskClient

from app.config.parsers import ROOT
from app.config.settings import Config, load_config
from app.logs import configure_logging, formatter
from app.logs.lines import LABELS
from tests.conftest import API_KEY, SETTINGS, PostWebhook, on_sqlite
from tests.factories import message_body, text

ELASTIC = ROOT / "deploy" / "elasticsearch"
TEMPLATE = json.loads((ELASTIC / "index-template.json").read_text())
PIPELINE = json.loads((ELASTIC / "ingest-pipeline.json").read_text())
FILEBEAT = yaml.safe_load((ROOT / "deploy" / "filebeat" / "filebeat.yml").read_text())
HEADERS = {"Authorization": f"Bearer {API_KEY}"}

FITS: dict[str, Callable[[Any], bool]] = {
    "keyword": lambda value: isinstance(value, str),
    "match_only_text": lambda value: isinstance(value, str),
    "wildcard": lambda value: isinstance(value, str),
    "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "double": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "date": lambda value: isinstance(value, str) and bool(datetime.fromisoformat(value)),
}


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each field of a line by its whole name, as Filebeat's `expand_keys` and Elasticsearch see it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{path}.{key}" if path else key)
    else:
        yield path, value


def type_of(field: str) -> str | None:
    """The type that the template gives a field; None if it would not be indexed."""
    found: dict[str, Any] = TEMPLATE["template"]["mappings"]
    for part in field.split("."):
        if part not in found.get("properties", {}):
            for each in TEMPLATE["template"]["mappings"]["dynamic_templates"]:
                [rule] = each.values()
                if re.fullmatch(rule["path_match"].replace(".", r"\.").replace("*", "[^.]+"), field):
                    return str(rule["mapping"]["type"])
            return None
        found = found["properties"][part]
    return found.get("type")


def misfits(lines: list[str]) -> list[tuple[str, Any]]:
    """The fields of these lines that the template does not take as they are."""
    found = []
    for line in lines:
        for field, value in flat(json.loads(line)):
            kind = type_of(field)
            if kind is None or not FITS[kind](value):
                found.append((field, value))
    return found


@on_sqlite
def test_lines_of_a_conversation_and_of_a_fault_fit_the_index_template(
    client: FlaskClient, post_webhook: PostWebhook, process_all: Callable[[], None], config: Config, monkeypatch: Any
) -> None:
    settings = load_config(
        SETTINGS | {"LOG_FORMAT": "json", "LOG_DIR": config.log_dir, "DATABASE_URL": config.database_url}
    )
    configure_logging(settings, "web")

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError

    post_webhook(message_body(text()))
    process_all()
    client.get("/api/messages", headers=HEADERS)
    monkeypatch.setattr("app.web.api.messages.list_messages", fail)
    client.get("/api/messages", headers=HEADERS)
    configure_logging(config, "web")

    lines = [line for path in Path(config.log_dir).iterdir() for line in path.read_text().splitlines()]
    fields = {field for line in lines if line[0] == "{" for field, _ in flat(json.loads(line))}
    assert fields >= {"@timestamp", "log.level", "labels.request_id", "labels.notification_id", "error.stack_trace",
                      "http.response.status_code", "event.duration", "process.pid", "gateway.count"}  # fmt: skip
    assert misfits([line for line in lines if line[0] == "{"]) == []


def test_every_label_has_a_place_as_text_and_as_a_number() -> None:
    lines = formatter(load_config(SETTINGS | {"LOG_FORMAT": "json"}), "worker")
    for value in ("a text", 3, 0.5):
        record = logging.LogRecord("whatsapp_service.x", logging.INFO, "", 1, "said", None, None)
        for label in set(LABELS) - {"route", "status", "duration_ms"}:
            setattr(record, label, value)
        assert misfits([lines.format(record)]) == []


def test_what_code_logs_is_written() -> None:
    """A key of `extra` that is not among the labels is dropped in silence."""
    dropped = []
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            targets = node.targets if isinstance(node, ast.Assign) else []
            named = [each for each in targets if isinstance(each, ast.Name) and each.id == "extra"]
            if named or (isinstance(node, ast.keyword) and node.arg == "extra"):
                keys = [key for each in ast.walk(node.value) if isinstance(each, ast.Dict) for key in each.keys]
                names = {key.value for key in keys if isinstance(key, ast.Constant)}
                dropped += [(path.name, name) for name in names - set(LABELS)]
    assert dropped == []


def test_the_pipeline_uses_processors_that_exist_with_what_they_need() -> None:
    needs = {"set": {"field"}, "lowercase": {"field"}, "gsub": {"field", "pattern", "replacement"}, "remove": {"field"}}
    for each in PIPELINE["processors"] + PIPELINE["on_failure"]:
        [(name, options)] = each.items()
        assert needs[name] <= options.keys()
        assert name != "set" or ("value" in options) != ("copy_from" in options)
    [gsub] = [each["gsub"] for each in PIPELINE["processors"] if "gsub" in each]
    assert re.sub(gsub["pattern"], gsub["replacement"], "see wamid.HBgN=+/x now") == "see [wamid] now"


def test_the_three_files_name_each_other() -> None:
    output = FILEBEAT["output.elasticsearch"]

    assert output["pipeline"] == TEMPLATE["template"]["settings"]["index"]["default_pipeline"] == "whatsapp-service"
    pattern = TEMPLATE["index_patterns"][0].replace("*", ".*")
    assert re.fullmatch(pattern, output["index"])
    assert re.fullmatch(r".*/whatsapp_service_\*\.log", FILEBEAT["filebeat.inputs"][0]["paths"][0])
