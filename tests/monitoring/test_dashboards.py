"""Grafana's dashboards: made from their script, with PromQL that Prometheus parses, of metrics that exist."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

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
        texts = expressions(dashboard) + [each.get("definition", "") for each in dashboard["templating"]["list"]]
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


def test_the_provisioning_files_name_what_grafana_reads() -> None:
    source = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yaml").read_text())
    provider = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "whatsapp.yaml").read_text())

    assert source["apiVersion"] == provider["apiVersion"] == 1
    assert source["datasources"][0]["type"] == "prometheus"
    assert provider["providers"][0]["type"] == "file" and provider["providers"][0]["options"]["path"]
