"""Traces for OpenTelemetry, where `OTEL_EXPORTER_OTLP_ENDPOINT` is set: one from a webhook to its delivery.

Nothing is stored for that: the ids of a trace and of its first span are hashes of the request's id, which every job,
delivery and queued send carries anyway. Spans are recorded once their work is done. The library is imported only where
traces are wanted.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from typing import Any

logger = logging.getLogger("whatsapp_service.traces")
"""By its name: the log imports this module."""

_settings: tuple[str, str] | None = None
_tracer: Any = None
_mutex = threading.Lock()


def begin(endpoint: str, process: str) -> None:
    """Send the spans of this process, called `process`, to an OTLP endpoint (`http://host:4318`); to none if empty."""
    global _settings, _tracer
    _settings, _tracer = ((endpoint, process) if endpoint else None), None
    if endpoint:
        with suppress(Exception):  # the first span finds it again, and says so when there is a log
            # Now, because a request or a send would wait for it otherwise.
            import app.traces_otlp  # noqa: F401


def is_on() -> bool:
    """Return whether spans are recorded."""
    return _settings is not None


def record(
    name: str, request_id: str, seconds: float, *, is_first: bool = False, has_failed: bool = False, **attributes: Any
) -> None:
    """Record that work for a request ended now and took `seconds`. Does nothing where no traces are wanted.

    `is_first` is the span of the request itself, the parent of all others. `attributes` may hold nothing of a person;
    those that are None are left out, and `__` in a name stands for a dot.

    Never raises, for what it records is done already: a webhook is committed, Meta has answered a send. If the library
    cannot be used (a wrong `OTEL_…`), this process records no more, and its log says so once.
    """
    global _settings
    if _settings is None or not request_id:
        return
    try:
        tracer = _tracer or _make(*_settings)
        ended = time.time_ns()
        tracer.span(name, request_id, ended - round(seconds * 1e9), ended, is_first, has_failed, {
            key.replace("__", "."): value for key, value in attributes.items() if value is not None
        })  # fmt: skip
    except Exception as error:
        _settings = None
        logger.warning("no traces are recorded: OpenTelemetry cannot be used", extra={"reason": str(error)[:200]})


def _make(endpoint: str, process: str) -> Any:
    """Make this process's tracer: at the first span, which comes after any fork."""
    global _tracer
    with _mutex:
        if _tracer is None:
            from app.traces_otlp import Tracer

            _tracer = Tracer(endpoint, process, os.environ)
        return _tracer
