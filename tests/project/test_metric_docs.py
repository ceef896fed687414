"""docs/metrics.md lists every metric with its labels and type, and nothing else."""

from __future__ import annotations

import re

from prometheus_client import REGISTRY

from app import metrics  # noqa: F401  (makes the metrics)
from app.config.parsers import ROOT
from app.metrics_state import FAMILIES

_ROW = re.compile(r"^\| `(whatsapp_\w+)(?:\{([\w,]+)\})?` \| (\w+) \| \S", re.MULTILINE)


def in_code() -> dict[str, tuple[tuple[str, ...], str]]:
    """Labels and type of each metric, by the name under which it is shown."""
    found = {}
    for each in list(REGISTRY._collector_to_names):
        name, kind = getattr(each, "_name", ""), getattr(each, "_type", "")
        if name.startswith("whatsapp_"):
            found[f"{name}_total" if kind == "counter" else name] = (tuple(each._labelnames), kind)
    for name, family in FAMILIES.items():
        found[name] = (family.labels, "counter" if name.endswith("_total") else "gauge")
    return found


def test_the_page_lists_every_metric_with_its_labels_and_type() -> None:
    rows = _ROW.findall((ROOT / "docs" / "metrics.md").read_text())

    listed = {name: (tuple(filter(None, labels.split(","))), kind) for name, labels, kind in rows}
    assert listed == in_code()
    assert len(rows) == len(listed)
