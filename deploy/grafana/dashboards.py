"""Write the dashboards beside this file: `python deploy/grafana/dashboards.py`. Change a panel here, not in the JSON.

State is the same at each target, so panels take the `max` of it; counts are added up.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
JOB = 'job="whatsapp"'
RATE = "[$__rate_interval]"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}

Panel = tuple[str, str, Sequence[tuple[str, str]]]
"""Title, Grafana's unit, and queries: PromQL, and the legend."""


def rate(metric: str, by: str = "", where: str = "") -> str:
    """A counter's rate a second, added up over targets."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{{{JOB}{where}}}{RATE}))"


def state(metric: str, by: str = "", where: str = "") -> str:
    """A state, once."""
    grouped = f" by ({by})" if by else ""
    return f"max{grouped} ({metric}{{{JOB}{where}}})"


def quantiles(metric: str) -> list[tuple[str, str]]:
    """Median and 99th percentile of a histogram."""
    return [
        (f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{{{JOB}}}{RATE})))", name)
        for share, name in ((0.5, "p50"), (0.99, "p99"))
    ]


NUMBER, ENDPOINT = ',phone_number_id=~"$number"', ',endpoint=~"$endpoint"'

OVERVIEW: list[Panel] = [
    ("Webhooks a second", "reqps", [
        (rate("whatsapp_notifications_kept_total"), "stored"),
        (rate("whatsapp_notifications_refused_total", "reason"), "refused: {{reason}}"),
    ]),
    ("A webhook until it is stored", "s", quantiles("whatsapp_webhook_seconds")),
    ("Items a second", "ops", [(rate("whatsapp_items_total", "outcome"), "{{outcome}}")]),
    ("From a webhook until it is normalised", "s", quantiles("whatsapp_process_lag_seconds")),
    ("From a webhook until your app has the event", "s", quantiles("whatsapp_delivery_lag_seconds")),
    ("Deliveries a second", "ops", [(rate("whatsapp_deliveries_total", "outcome"), "{{outcome}}")]),
    ("Sends a second", "ops", [(rate("whatsapp_sends_total", "outcome"), "{{outcome}}")]),
    ("Meta's answers", "s", quantiles("whatsapp_graph_seconds")),
    ("Meta's error codes a second", "ops", [(rate("whatsapp_graph_errors_total", "code"), "{{code}}")]),
    ("Status reports a second", "ops", [(rate("whatsapp_statuses_total", "status"), "{{status}}")]),
    ("What waits", "short", [(state("whatsapp_backlog", "queue"), "{{queue}}")]),
    ("For how long", "s", [(state("whatsapp_backlog_oldest_seconds", "queue"), "{{queue}}")]),
    ("For a person", "short", [
        (state("whatsapp_sends_held"), "sends held"), (state("whatsapp_set_aside", "state"), "webhooks {{state}}"),
        (state("whatsapp_audit_problems"), "problems of the last audit"),
        (state("whatsapp_alerts_open", "kind"), "alert {{kind}}"),
    ]),
    ("Requests a second", "reqps", [(rate("whatsapp_http_requests_total", "area, status"), "{{area}} {{status}}")]),
    ("A request", "s", quantiles("whatsapp_http_seconds")),
]  # fmt: skip

A_NUMBER: list[Panel] = [
    ("Items a second", "ops", [(rate("whatsapp_number_items_total", "outcome", NUMBER), "{{outcome}}")]),
    ("Sends a second", "ops", [(rate("whatsapp_number_sends_total", "outcome", NUMBER), "{{outcome}}")]),
    ("Limit of sending", "mps", [
        (state("whatsapp_number_messages_per_second", "phone_number_id", NUMBER), "{{phone_number_id}}"),
    ]),
    ("Until the next slot", "s", [
        (state("whatsapp_number_slot_seconds", "phone_number_id", NUMBER), "{{phone_number_id}}"),
    ]),
    ("Sends that are due", "short", [
        (state("whatsapp_number_backlog", "phone_number_id", NUMBER), "{{phone_number_id}}"),
    ]),
    ("For how long the first of them", "s", [
        (state("whatsapp_number_backlog_oldest_seconds", "phone_number_id", NUMBER), "{{phone_number_id}}"),
    ]),
    ("What stops it", "short", [
        (state("whatsapp_number_breaker_open", "phone_number_id", NUMBER), "no clear answers"),
        (state("whatsapp_number_paused", "reason", NUMBER), "paused: {{reason}}"),
        (state("whatsapp_number_bulk_stopped", "phone_number_id", NUMBER), "campaigns stopped"),
        (state("whatsapp_number_flagged", "phone_number_id", NUMBER), "flagged for quality"),
    ]),
    ("Customers of 24 hours, and Meta's limit", "short", [
        (state("whatsapp_number_limit_used", "phone_number_id", NUMBER), "used"),
        (state("whatsapp_number_limit", "phone_number_id", NUMBER), "limit"),
    ]),
    ("Billable messages an hour, by category", "short", [
        (f'max by (category) (increase(whatsapp_priced_messages_total{{{JOB}{NUMBER},billable="yes"}}[1h]))',
         "{{category}}"),
    ]),
    ("Graph's call limits", "percent", [
        (state("whatsapp_api_usage_percent", "waba_id, kind, what"), "{{waba_id}} {{kind}} {{what}}"),
    ]),
]  # fmt: skip

ENDPOINTS: list[Panel] = [
    ("Tries a second", "ops", [
        (rate("whatsapp_endpoint_deliveries_total", "endpoint, outcome", ENDPOINT), "{{endpoint}} {{outcome}}"),
    ]),
    ("An app's answer, on average", "s", [
        (f'{rate("whatsapp_endpoint_seconds_sum", "endpoint", ENDPOINT)}'
         f' / {rate("whatsapp_endpoint_seconds_count", "endpoint", ENDPOINT)}', "{{endpoint}}"),
    ]),
    ("All apps' answers", "s", quantiles("whatsapp_delivery_seconds")),
    ("Owed", "short", [(state("whatsapp_endpoint_backlog", "endpoint", ENDPOINT), "{{endpoint}}")]),
    ("For how long", "s", [(state("whatsapp_endpoint_backlog_oldest_seconds", "endpoint", ENDPOINT), "{{endpoint}}")]),
    ("Failing for", "s", [(state("whatsapp_endpoint_failing_seconds", "endpoint", ENDPOINT), "{{endpoint}}")]),
    ("Left alone, or switched off", "short", [
        (state("whatsapp_endpoint_breaker_open", "endpoint", ENDPOINT), "{{endpoint}} left alone"),
        (state("whatsapp_endpoint_disabled", "endpoint", ENDPOINT), "{{endpoint}} switched off"),
    ]),
    ("Given up", "short", [(state("whatsapp_endpoint_dead", "endpoint", ENDPOINT), "{{endpoint}}")]),
]  # fmt: skip

WORKERS: list[Panel] = [
    ("Workers", "short", [(state("whatsapp_workers"), "alive")]),
    ("Last sign of life", "s", [(f"min (whatsapp_worker_seen_seconds{{{JOB}}})", "ago")]),
    ("What waits", "short", [(state("whatsapp_backlog", "queue"), "{{queue}}")]),
    ("For how long", "s", [(state("whatsapp_backlog_oldest_seconds", "queue"), "{{queue}}")]),
    ("The broker, where there is one", "short", [
        (f"min (whatsapp_broker_up{{{JOB}}})", "answers"), (rate("whatsapp_nudges_total"), "messages a second"),
    ]),
    ("Files fetched a second", "ops", [(rate("whatsapp_media_fetches_total", "state"), "{{state}}")]),
    ("Files of a week", "short", [(state("whatsapp_media", "state"), "{{state}}")]),
    ("From a webhook until its file is stored", "s", quantiles("whatsapp_media_lag_seconds")),
    ("SQLite's write lock: held", "s", quantiles("whatsapp_write_lock_seconds")),
    ("SQLite's write lock: waited for", "s", quantiles("whatsapp_write_lock_wait_seconds")),
    ("Database", "bytes", [
        (state("whatsapp_database_bytes"), "database"), (state("whatsapp_wal_bytes"), "its log (-wal)"),
    ]),
    ("Disks: free", "percentunit", [
        (f"min by (instance, folder) (whatsapp_disk_free_bytes{{{JOB}}} / whatsapp_disk_bytes{{{JOB}}})",
         "{{instance}} {{folder}}"),
    ]),
    ("Clocks", "s", [(state("whatsapp_clock_ahead_seconds", "host"), "{{host}} ahead")]),
    ("Database answers, and can be written", "short", [
        (f"min (whatsapp_database_up{{{JOB}}})", "answers"), (f"min (whatsapp_database_writable{{{JOB}}})", "written"),
    ]),
    ("Since the last audit", "s", [(state("whatsapp_audit_seconds"), "ago")]),
]  # fmt: skip

DASHBOARDS: dict[str, tuple[str, list[Panel], dict[str, str]]] = {
    "whatsapp-overview": ("WhatsApp gateway: overview", OVERVIEW, {}),
    "whatsapp-number": (
        "WhatsApp gateway: a number", A_NUMBER, {"number": "label_values(whatsapp_number_backlog, phone_number_id)"}
    ),
    "whatsapp-endpoints": (
        "WhatsApp gateway: endpoints", ENDPOINTS, {"endpoint": "label_values(whatsapp_endpoint_backlog, endpoint)"}
    ),
    "whatsapp-workers": ("WhatsApp gateway: workers", WORKERS, {}),
}  # fmt: skip


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    title, unit, queries = panel
    return {
        "id": number + 1, "type": "timeseries", "title": title, "datasource": SOURCE,
        "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": expr, "legendFormat": legend,
             "exemplar": "_bucket" in expr}
            for place, (expr, legend) in enumerate(queries)
        ],
    }  # fmt: skip


def _variables(queries: dict[str, str]) -> list[dict[str, Any]]:
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source", "hide": 0}
    return [source] + [
        {
            "name": name, "type": "query", "datasource": SOURCE, "refresh": 2, "sort": 1,
            "query": {"query": query, "refId": name}, "multi": True, "includeAll": True, "allValue": ".*",
            "current": {"text": ["All"], "value": ["$__all"]},
        }
        for name, query in queries.items()
    ]  # fmt: skip


def dashboard(uid: str) -> dict[str, Any]:
    """One dashboard, as Grafana imports it."""
    title, panels, variables = DASHBOARDS[uid]
    return {
        "uid": uid, "title": title, "tags": ["whatsapp-service"], "schemaVersion": 39, "version": 1, "editable": True,
        "time": {"from": "now-6h", "to": "now"}, "refresh": "30s", "timezone": "browser", "annotations": {"list": []},
        "links": [{"type": "dashboards", "tags": ["whatsapp-service"], "title": "Gateway", "asDropdown": True}],
        "templating": {"list": _variables(variables)},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }  # fmt: skip


def text(uid: str) -> str:
    """The file of a dashboard."""
    return json.dumps(dashboard(uid), indent=1) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in DASHBOARDS:
        (FOLDER / f"{each}.json").write_text(text(each))
