"""Liveness and readiness of the service."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app import clock
from app.db.failures import Trouble
from app.errors import Unavailable
from app.process import draining
from app.schemas.api.service import AliveAnswer, ReadyAnswer
from app.services.operations import Health, check_health
from app.web.auth import open_to_all
from app.web.context import gateway
from app.web.openapi.operations import describe

bp = open_to_all(Blueprint("health", __name__))


@bp.get("/healthz")
@describe("getHealth", "Service", {200: AliveAnswer}, errors=())
def alive() -> ResponseReturnValue:
    """Answer as long as the process does."""
    return {"status": "ok"}


@bp.get("/readyz")
@describe("getReadiness", "Service", {200: ReadyAnswer, 503: ReadyAnswer}, errors=())
def ready() -> ResponseReturnValue:
    """Answer whether requests should come here.

    503 while the database cannot be read and written, is not migrated, or the server is stopping.

    The states of the worker and of sending are reported, and do not change the status.
    """
    now = gateway().now()
    health = check_health(gateway().database, now)
    is_draining = draining.is_draining()
    is_ready = health.database and health.schema and not is_draining
    body = {
        "status": "ready" if is_ready else "not ready",
        "database": "ok" if health.database else "unavailable",
        "schema": _schema(health),
        "reason": health.reason,
        "secrets": "cannot be decrypted; see ENCRYPTION_KEY" if gateway().directory.current.unreadable else "ok",
        "settings": _settings() if health.schema else "unknown",
        "draining": is_draining,
        "clock_ahead_seconds": round(clock.machine_is_ahead().total_seconds(), 1) + 0.0,
        "worker": {
            "state": health.worker,
            "seen_seconds_ago": _seconds(now, health.worker_seen_at),
            "oldest_job_seconds": _seconds(now, health.oldest_due_at),
        },
        "sending": {
            "meta": "no clear answers" if health.unreachable else "ok",
            "oldest_due_seconds": _seconds(now, health.oldest_send_at),
            "numbers_waiting_for_meta": health.unreachable,
            "numbers_waiting_for_a_token": health.without_token,
        },
    }
    return body, 200 if is_ready else 503


def _schema(health: Health) -> str:
    if health.schema:
        return "ok"
    if health.reason == Trouble.LATER_SCHEMA:
        return "of a later release"
    return "not migrated; run `flask migrate`" if health.database else "unknown"


def _settings() -> str:
    """Return "ok", or a text with the names of settings in which this process and the workers differ."""
    try:
        names = gateway().shared_settings.unequal()
    except Unavailable:
        return "unknown"
    return f"unequal between workers, or here: {', '.join(names)}" if names else "ok"


def _seconds(now: datetime, then: datetime | None) -> float | None:
    return None if then is None else round((now - then).total_seconds(), 1)
