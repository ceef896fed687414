"""Grafana's dashboards: made from their script, with PromQL that Prometheus parses, of metrics that exist."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from app.config.parsers import ROOT
from tests.project.test_metric_docs import in_code

GRAFANA = ROOT / "deploy" / "grafana"
MADE = runpy.run_path(str(GRAFANA / "dashboards.py"))
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
_PARTS = re.compile(r"_(bucket|sum|count)$")


def expressions(dashboard: dict[str, Any]) -> list[str]:
    """Every query of a dashboard, with Grafana's variables filled in."""
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [re.sub(r"\$(number|endpoint)\b", ".*", each.replace("$__rate_interval", "1m")) for each in found]


def test_the_files_are_what_the_script_writes() -> None:
    assert {path.stem: path.read_text() for path in FILES} == {uid: MADE["text"](uid) for uid in MADE["DASHBOARDS"]}


def test_every_metric_and_label_of_a_query_exists_and_every_metric_is_shown() -> None:
    known, shown = in_code(), set()
    for path in FILES:
        dashboard = json.loads(path.read_text())
        asked = [each["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
        texts = expressions(dashboard) + [each["query"] for each in asked]
        for text in texts:
            names = {name if name in known else _PARTS.sub("", name) for name in re.findall(r"whatsapp_\w+", text)}
            assert names <= known.keys(), (path.name, text)
            labels = {label for name in names for label in known[name][0]} | {"le", "instance", "job"}
            grouped = {label for found in re.findall(r"by \(([^)]*)\)", text) for label in found.split(", ")}
            assert grouped | set(re.findall(r'(\w+)=~?"', text)) <= labels, (path.name, text)
            shown |= names
    assert known.keys() - shown == {"whatsapp_build_info", "whatsapp_oldest_claim_seconds"}


def test_prometheus_parses_every_query(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    asked = [text for path in FILES for text in expressions(json.loads(path.read_text()))]
    rules = [{"record": f"dashboard:query:n{place}", "expr": text} for place, text in enumerate(asked)]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))

    ran = subprocess.run(["promtool", "check", "rules", str(tmp_path / "queries.yaml")], capture_output=True, text=True,
                         check=False)  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(asked)} rules found" in ran.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dashboard_is_one_that_grafana_imports(path: Path) -> None:
    dashboard = json.loads(path.read_text())

    assert dashboard["uid"] == path.stem and dashboard["schemaVersion"] >= 36 and "id" not in dashboard
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places) and all(x + 12 <= 24 for x, _ in places)
    defined = {each["name"] for each in dashboard["templating"]["list"]} | {"__rate_interval", "__all"}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard))) <= defined
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels)


def misfits(given: Any, hint: Any, path: str = "") -> Iterator[str]:
    """Where a value is none of its type in Grafana's SDK."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if not any(_is_of(given, kind) for kind in kinds):
        yield f"{path}: {given!r} is no {hint}"
        return
    inner = [get_args(kind)[-1] for kind in kinds if get_origin(kind) in (list, dict)]
    if isinstance(given, list | dict):
        for place, each in given.items() if isinstance(given, dict) else enumerate(given):
            yield from misfits(each, inner[0] if inner else Any, f"{path}.{place}")
    elif type(given).__module__.startswith("grafana_foundation_sdk"):
        for name, part in get_type_hints(type(given)).items():
            yield from misfits(getattr(given, name), part, f"{path}.{name}")


def _is_of(given: Any, kind: Any) -> bool:
    base = get_origin(kind) or kind
    if kind is Any or base is Literal:
        return kind is Any or given in get_args(kind)
    if isinstance(base, EnumType):
        return given in [each.value for each in base]
    return isinstance(given, int | float if base is float else base)


def lost(whole: Any, part: Any, path: str = "") -> Iterator[str]:
    """Where `part` lacks something of `whole`."""
    if isinstance(whole, dict) and isinstance(part, dict):
        for name, each in whole.items():
            yield from lost(each, part.get(name), f"{path}.{name}")
    elif isinstance(whole, list) and isinstance(part, list) and len(whole) == len(part):
        for place, (each, other) in enumerate(zip(whole, part, strict=True)):
            yield from lost(each, other, f"{path}[{place}]")
    elif whole != part:
        yield path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_grafanas_own_types_know_every_part_of_a_dashboard(path: Path) -> None:
    """The types of Grafana's Foundation SDK are made from its schemas. What they do not know, they drop."""
    plugins.register_default_plugins()
    given = json.loads(path.read_text())

    read = Dashboard.from_json(given)

    assert list(lost(given, json.loads(JSONEncoder().encode(read)))) == []
    assert list(misfits(read, Dashboard)) == []


def test_the_provisioning_files_name_what_grafana_reads() -> None:
    source = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yaml").read_text())
    provider = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "whatsapp.yaml").read_text())

    assert source["apiVersion"] == provider["apiVersion"] == 1
    assert source["datasources"][0]["type"] == "prometheus"
    assert provider["providers"][0]["type"] == "file" and provider["providers"][0]["options"]["path"]
