"""The alert rules on what a whole gateway showed in each drill: `python -m tests.monitoring.record` records it anew."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.monitoring.real_drills import REAL
from tests.monitoring.record import MINUTES, play, recordings
from tests.monitoring.test_alert_rules import RULES, promtool, series_of

__all__ = ["promtool"]

FIRING = 'ALERTS{alertstate="firing"}'
ENDS = MINUTES[0] + MINUTES[1]


def _test(recorded: dict[str, Any]) -> dict[str, Any]:
    """It fires at some time of the drill and nothing else does; before, and half an hour later, nothing does."""
    fires = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(recorded["fires"])]
    ended = f"count by (alertname) (max_over_time({FIRING}[{MINUTES[1]}m]))"
    return {
        "interval": "1m", "name": recorded["drill"],
        "input_series": [
            {"series": series_of(name), "values": values} for name, values in play(recorded).items()
        ] + [{"series": series_of("up"), "values": "1x90"}],
        "promql_expr_test": [
            {"expr": f"count by (alertname) ({FIRING})", "eval_time": f"{MINUTES[0] - 1}m", "exp_samples": []},
            {"expr": ended, "eval_time": f"{ENDS - 1}m", "exp_samples": fires},
            {"expr": f"count by (alertname) ({FIRING})", "eval_time": f"{ENDS + 30}m", "exp_samples": []},
        ],
    }  # fmt: skip


def test_each_alert_fires_in_its_recorded_drill_and_nowhere_else(promtool: str, tmp_path: Path) -> None:
    found = recordings()
    assert {each["drill"]: set(each["fires"]) for each in found.values()} == {
        name: drill.fires for name, drill in REAL.items()
    }
    file = tmp_path / "drills.yaml"
    tests = [_test(each) for each in found.values()]
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))

    ran = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
