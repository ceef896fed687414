"""What the metrics look like in drills that take a disk, days or a machine: written by hand, minute by minute.

Those that a gateway can be put through are recorded from one: see `record`. Each says which alerts must fire: these and
no others.

A drill lasts from minute 21 to minute 50; before and after it all is well. Values are in the notation of promtool:
`1x29` is a 1 and 29 more, `0+5x29` goes up by 5 each minute, `_x30` is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.factories import PNID

ENDPOINT = "0123456789ab"


def gauge(during: str, well: str = "0") -> str:
    """A value that is another during the drill."""
    return f"{well}x20 {during} {well}x40"


def counter(a_minute: int) -> str:
    """A counter that goes up during the drill only."""
    last = a_minute * 30
    return f"0x20 {a_minute}+{a_minute}x29 {last}x40"


@dataclass(frozen=True)
class Drill:
    """The series that differ from a healthy gateway's, and the alerts that fire 25 minutes into the drill."""

    fires: set[str]
    series: dict[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    """Names of metrics that nobody shows during the drill."""


AGE = "60+60x29"
"""The age of something that has waited since the drill began."""

_NUMBER, _ENDPOINT = f'{{phone_number_id="{PNID}"}}', f'{{endpoint="{ENDPOINT}"}}'
_OF_DATABASE = (
    "whatsapp_backlog", "whatsapp_backlog_oldest_seconds", "whatsapp_worker_seen_seconds", "whatsapp_workers",
    "whatsapp_number_backlog", "whatsapp_number_backlog_oldest_seconds", "whatsapp_sends_held",
    "whatsapp_clock_ahead_seconds",
)  # fmt: skip
_LATE_WORK = {
    'whatsapp_backlog{queue="webhooks"}': gauge("500x29"),
    'whatsapp_backlog_oldest_seconds{queue="webhooks"}': gauge(AGE),
    f"whatsapp_number_backlog_oldest_seconds{_NUMBER}": gauge(AGE),
    f"whatsapp_endpoint_backlog_oldest_seconds{_ENDPOINT}": gauge(AGE),
    'whatsapp_backlog{queue="files"}': gauge("50x29"),
    'whatsapp_backlog_oldest_seconds{queue="files"}': gauge(AGE),
}


def _slow(name: str, fast: str, slow: str) -> dict[str, str]:
    """A histogram in which everything is fast before and after, and slow during the drill; ten a minute."""
    return {
        f'{name}_bucket{{le="{fast}"}}': "0+10x20 200x29 200+10x40",
        f'{name}_bucket{{le="{slow}"}}': "0+10x90",
        f'{name}_bucket{{le="+Inf"}}': "0+10x90",
    }


DRILLS: dict[str, Drill] = {
    "a process is killed": Drill({"WhatsAppTargetDown"}, {'up{instance="worker"}': gauge("0x29", "1")}),
    "the database is away": Drill(
        {"WhatsAppDatabaseDown", "WhatsAppWebhooksRefused"},
        {
            "whatsapp_database_up": gauge("0x29", "1"),
            'whatsapp_notifications_refused_total{reason="unavailable"}': counter(20),
        },
        _OF_DATABASE,
    ),
    "the disk is read-only": Drill({"WhatsAppDatabaseDown"}, {"whatsapp_database_writable": gauge("0x29", "1")}),
    "too many bodies": Drill(
        {"WhatsAppWebhooksRefused"}, {'whatsapp_notifications_refused_total{reason="unavailable"}': counter(3)}
    ),
    "webhooks are slow": Drill({"WhatsAppSlowWebhooks"}, _slow("whatsapp_webhook_seconds", "0.05", "5.0")),
    "a fault of ours": Drill(
        {"WhatsAppServerErrors"}, {'whatsapp_http_requests_total{area="api",status="500"}': counter(1)}
    ),
    "the worker is killed": Drill(
        {"WhatsAppWorkerMissing"},
        {
            "whatsapp_worker_seen_seconds": gauge(AGE, "2"), "whatsapp_workers": gauge("0x29", "1"),
            'whatsapp_audit_seconds': "170000+60x90", **_LATE_WORK,
        },
    ),  # fmt: skip
    "the worker does not keep up": Drill(
        {"WhatsAppWorkerBehind"},
        {'whatsapp_backlog_oldest_seconds{queue="webhooks"}': gauge(AGE)},
    ),
    "sends do not move": Drill(
        {"WhatsAppSendsBehind"}, {f"whatsapp_number_backlog_oldest_seconds{_NUMBER}": gauge(AGE)}
    ),
    "Meta asks to slow down": Drill(
        set(), {f'whatsapp_number_paused{{phone_number_id="{PNID}",reason="rate"}}': gauge("1x29")}
    ),
    "an app answered 410": Drill(
        {"WhatsAppEndpointDisabled"},
        {
            f"whatsapp_endpoint_failing_seconds{_ENDPOINT}": gauge(AGE),
            f"whatsapp_endpoint_disabled{_ENDPOINT}": gauge("1x29"),
        },
    ),
    "an app is slow": Drill(
        {"WhatsAppDeliveriesBehind"}, {f"whatsapp_endpoint_backlog_oldest_seconds{_ENDPOINT}": gauge(AGE)}
    ),
    "an app refuses an event for good": Drill(
        {"WhatsAppDeadLetters"}, {f"whatsapp_endpoint_dead{_ENDPOINT}": "0x20 0x15 1x13 1x40"}
    ),
    "files cannot be fetched": Drill(
        {"WhatsAppMediaFailing"},
        {
            'whatsapp_backlog{queue="files"}': gauge("12x29"),
            'whatsapp_backlog_oldest_seconds{queue="files"}': gauge(AGE),
        },
    ),
    "one file cannot be fetched": Drill(
        set(),
        {
            'whatsapp_backlog{queue="files"}': gauge("1x29"),
            'whatsapp_backlog_oldest_seconds{queue="files"}': gauge(AGE),
        },
    ),
    "the disk is slow": Drill({"WhatsAppWriteLockHeld"}, _slow("whatsapp_write_lock_seconds", "0.01", "0.5")),
    "the disk fills": Drill(
        {"WhatsAppDiskAlmostFull"}, {'whatsapp_disk_free_bytes{folder="database"}': gauge("10x29", "80")}
    ),
    "a campaign larger than the tier": Drill(
        {"WhatsAppLimitNearlyUsed"}, {f"whatsapp_number_limit_used{_NUMBER}": gauge("950x29", "100")}
    ),
    "another program uses the app's calls": Drill(
        {"WhatsAppApiQuotaNearlyUsed"},
        {'whatsapp_api_usage_percent{app="1",waba_id="",kind="app",what="calls"}': gauge("91x29", "3")},
    ),
    "a row is lost": Drill({"WhatsAppBooksUnbalanced"}, {"whatsapp_audit_problems": gauge("2x29")}),
    "no audit for two nights": Drill({"WhatsAppAuditLate"}, {"whatsapp_audit_seconds": gauge("180000+60x29", "4000")}),
    "a clock is wrong": Drill(
        {"WhatsAppClockWrong"}, {'whatsapp_clock_ahead_seconds{host="a"}': gauge("-9x29", "0.1")}
    ),
}
