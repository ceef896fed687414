"""The alert rules, by promtool: each fires in its drill and in no other, and has a section of the runbook."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.config.parsers import ROOT
from app.domain.alerts import KINDS
from tests.factories import PNID
from tests.monitoring.drills import DRILLS, ENDPOINT, Drill
from tests.monitoring.real_drills import REAL
from tests.project.test_metric_docs import in_code

RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
NAME = re.compile(r"\b(?:up|whatsapp_\w+)\b")
LABELS = re.compile(r'(\w+)="([^"]*)"')

HEALTHY = f"""\
whatsapp_database_up 1
whatsapp_database_writable 1
whatsapp_worker_seen_seconds 2
whatsapp_workers 1
whatsapp_clock_ahead_seconds{{host="a"}} 0.1
whatsapp_backlog{{queue="webhooks"}} 0
whatsapp_backlog{{queue="files"}} 0
whatsapp_backlog_oldest_seconds{{queue="webhooks"}} 0
whatsapp_backlog_oldest_seconds{{queue="files"}} 0
whatsapp_sends_held 0
whatsapp_number_backlog_oldest_seconds{{phone_number_id="{PNID}"}} 0
whatsapp_number_breaker_open{{phone_number_id="{PNID}"}} 0
whatsapp_number_paused{{phone_number_id="{PNID}",reason="auth"}} 0
whatsapp_number_paused{{phone_number_id="{PNID}",reason="rate"}} 0
whatsapp_number_bulk_stopped{{phone_number_id="{PNID}"}} 0
whatsapp_number_flagged{{phone_number_id="{PNID}"}} 0
whatsapp_number_limit{{phone_number_id="{PNID}"}} 1000
whatsapp_number_limit_used{{phone_number_id="{PNID}"}} 100
whatsapp_endpoint_backlog_oldest_seconds{{endpoint="{ENDPOINT}"}} 0
whatsapp_endpoint_failing_seconds{{endpoint="{ENDPOINT}"}} 0
whatsapp_endpoint_breaker_open{{endpoint="{ENDPOINT}"}} 0
whatsapp_endpoint_disabled{{endpoint="{ENDPOINT}"}} 0
whatsapp_endpoint_dead{{endpoint="{ENDPOINT}"}} 3
whatsapp_api_usage_percent{{app="1",waba_id="",kind="app",what="calls"}} 3
whatsapp_audit_problems 0
whatsapp_audit_seconds 4000
whatsapp_disk_free_bytes{{folder="database"}} 80
whatsapp_disk_bytes{{folder="database"}} 100
up{{instance="web"}} 1
up{{instance="worker"}} 1
"""
"""Gauges of a gateway that is well."""

COUNTED = {
    "whatsapp_notifications_kept_total": "0+10x90",
    'whatsapp_notifications_refused_total{reason="unavailable"}': "0x90",
    'whatsapp_notifications_refused_total{reason="signature"}': "0x90",
    'whatsapp_items_total{outcome="parked"}': "0x90",
    'whatsapp_items_total{outcome="processed"}': "0+10x90",
    'whatsapp_webhook_seconds_bucket{le="0.05"}': "0+10x90",
    'whatsapp_webhook_seconds_bucket{le="+Inf"}': "0+10x90",
    'whatsapp_write_lock_seconds_bucket{le="0.01"}': "0+10x90",
    'whatsapp_write_lock_seconds_bucket{le="+Inf"}': "0+10x90",
    'whatsapp_http_requests_total{area="api",status="200"}': "0+10x90",
    'whatsapp_http_requests_total{area="api",status="500"}': "0x90",
    f'whatsapp_number_sends_total{{phone_number_id="{PNID}",outcome="accepted"}}': "0+10x90",
    f'whatsapp_number_sends_total{{phone_number_id="{PNID}",outcome="refused"}}': "0x90",
}


def rules() -> list[dict[str, Any]]:
    """The rules of the file."""
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    return found


def series_of(name: str) -> str:
    """A series with the labels that a scrape adds."""
    word, labels = name.partition("{")[0], dict(LABELS.findall(name))
    labels = {"job": "whatsapp", "instance": "web"} | labels
    return f"{word}{{{','.join(f'{key}={value!r}' for key, value in sorted(labels.items()))}}}".replace("'", '"')


def _values(drill: Drill) -> dict[str, str]:
    well = {}
    for line in HEALTHY.splitlines():
        name, value = line.rsplit(" ", 1)
        is_gone = name.partition("{")[0] in drill.gone
        well[series_of(name)] = f"{value}x20 _x30 {value}x40" if is_gone else f"{value}x90"
    counted = {series_of(name): values for name, values in COUNTED.items()}
    return well | counted | {series_of(name): values for name, values in drill.series.items()}


def _test(drill: Drill) -> dict[str, Any]:
    fires = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(drill.fires)]
    expression = 'count by (alertname) (ALERTS{alertstate="firing"})'
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in _values(drill).items()],
        "promql_expr_test": [
            {"expr": expression, "eval_time": time, "exp_samples": expected}
            for time, expected in (("19m", []), ("46m", fires), ("85m", []))
        ],
    }


@pytest.fixture(scope="module")
def promtool() -> str:
    """The path of Debian's promtool."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    return found


def test_each_alert_fires_in_its_drill_and_nowhere_else(promtool: str, tmp_path: Path) -> None:
    file = tmp_path / "drills.yaml"
    tests = [_test(drill) for drill in DRILLS.values()]
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))

    ran = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    by_hand = {name for drill in DRILLS.values() for name in drill.fires}
    assert by_hand | {name for real in REAL.values() for name in real.fires} == {rule["alert"] for rule in rules()}


def test_rules_name_metrics_and_labels_that_exist(promtool: str) -> None:
    ran = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr

    known = in_code()
    for rule in rules():
        for name in NAME.findall(rule["expr"]):
            assert name == "up" or name.removesuffix("_bucket") in known, (rule["alert"], name)
    for drill in DRILLS.values():
        for family in text_string_to_metric_families("".join(f"{name} 1\n" for name in drill.series)):
            for sample in family.samples:
                found = known.get(sample.name.removesuffix("_bucket"))
                labels = set(sample.labels) - {"le", "instance"}
                assert sample.name == "up" or (found is not None and labels == set(found[0])), sample


def test_each_rule_has_a_section_of_the_runbook_and_each_section_a_rule() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)

    assert sections == [rule["alert"] for rule in rules()]
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("critical", "warning", "info")


def test_alerts_of_the_gateway_that_the_rules_leave_out_exist() -> None:
    left_out = next(rule["expr"] for rule in rules() if rule["alert"] == "WhatsAppGatewayAlert")

    kinds = re.search(r'kind!~"([^"]*)"', left_out)
    assert kinds and set(kinds[1].split("|")) <= KINDS.keys()
