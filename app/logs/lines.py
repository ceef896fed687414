"""Format a record as one line of text, or as one line of JSON in Elastic's common schema."""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from ecs_logging import StdlibFormatter

from app import traces
from app.config.parsers import ROOT
from app.errors import GatewayError
from app.ids import trace_id
from app.logs.scrub import Scrubber

OUR_LOGGER = "whatsapp_service"

# The id of the request that the running code serves; it follows a greenlet, a thread, and a job that was given it.
request_id_var: ContextVar[str] = ContextVar("request_id", default="")

# The only keys of `extra` that are written. The ids are ours; `phone_number_id` is public.
LABELS = (
    "request_id",
    "notification_id",
    "message_id",
    "event_id",
    "delivery_id",
    "endpoint",
    "endpoint_id",
    "attempt_id",
    "job_id",
    "media_id",
    "key_id",
    "phone_number_id",
    "waba_id",
    "kind",
    "field",
    "state",
    "status",
    "reason",
    "before",
    "code",
    "error",
    "method",
    "route",
    "attempts",
    "failures",
    "failing_since",
    "count",
    "duration_ms",
    "delay_seconds",
    "ahead_seconds",
    "worker",
    "pid",
    "port",
    "version",
    "setting",
)
_OF_EVERY_RECORD = len(logging.makeLogRecord({}).__dict__)
"""How many attributes a record has without any `extra`: in one that has no more no label needs to be looked for."""

_FRAMES, _CAUSES, _VALUE_LENGTH = 30, 5, 300
_BARE = re.compile(r"[A-Za-z0-9_.:/@+~\[\]-]+")

Value = str | int | float | bool


def is_ours(record: logging.LogRecord) -> bool:
    """Return whether the gateway's own code wrote the record, so that its message is a constant."""
    return record.name == OUR_LOGGER or record.name.startswith(f"{OUR_LOGGER}.")


class TextFormatter(logging.Formatter):
    """`<UTC time> <level> <process>[<pid>] <logger>: <message> key=value …`, then an exception's lines, indented."""

    def __init__(self, process: str, scrubber: Scrubber) -> None:
        super().__init__()
        self._process = process
        self._scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        labels = "".join(f" {key}={_quoted(value)}" for key, value in labels_of(record, self._scrubber).items())
        return (
            f"{moment}.{int(record.msecs):03d}Z {record.levelname:<7} {self._process}[{record.process}] {record.name}:"
            f" {message_of(record, self._scrubber)}{labels}"
            + "".join(f"\n    {line}" for line in exception_lines(record, self._scrubber))
        )


class JsonFormatter(logging.Formatter):
    """One JSON object per line for Elasticsearch: an exception is under `error`, values are under the names of the
    schema.

    Other texts are under `labels`, whose values are keywords there; other numbers, which can be summed, under
    `gateway`.
    """

    def __init__(self, process: str, scrubber: Scrubber) -> None:
        super().__init__()
        self._process = process
        self._scrubber = scrubber
        self._ecs = StdlibFormatter(exclude_fields=["error", "log.original", "process.thread"])

    def format(self, record: logging.LogRecord) -> str:
        bare = logging.LogRecord(
            record.name,
            record.levelno,
            record.pathname,
            record.lineno,
            message_of(record, self._scrubber),
            None,
            None,
            record.funcName,
        )
        bare.created, bare.msecs, bare.processName = record.created, record.msecs, self._process
        fields: dict[str, Any] = self._ecs.format_to_ecs(bare)
        fields["service"] = {"name": "whatsapp-service"}
        fields |= _in_ecs(labels_of(record, self._scrubber))
        if traces.is_on() and request_id_var.get():
            fields["trace"] = {"id": trace_id(request_id_var.get())}
        lines = list(exception_lines(record, self._scrubber))
        if lines:
            fields["error"] = {"type": lines[0].partition(":")[0], "stack_trace": "\n".join(lines)}
        return json.dumps(fields)


def _in_ecs(labels: dict[str, Value]) -> dict[str, Any]:
    """Return the labels under the field names of Elastic's common schema."""
    fields: dict[str, Any] = {}
    left = dict(labels)
    if "route" in left:  # with a route it is a request, so that its status is an HTTP status
        http = fields["http"] = {"response": {"status_code": int(left.pop("status", 0))}}
        http["request"] = {"method": left.pop("method", "")}
    if "duration_ms" in left:
        fields["event"] = {"duration": round(float(left.pop("duration_ms")) * 1_000_000)}
    numbers = {key: left.pop(key) for key, value in labels.items() if key in left and not isinstance(value, str)}
    if numbers:
        fields["gateway"] = numbers
    fields["labels"] = left
    return fields


def message_of(record: logging.LogRecord, scrubber: Scrubber) -> str:
    """Return the record's message, without secrets and other values that must not be logged."""
    text = record.getMessage()
    return scrubber.ours(text) if is_ours(record) else scrubber.foreign(text)


def labels_of(record: logging.LogRecord, scrubber: Scrubber) -> dict[str, Value]:
    """Return the allowed keys of `extra` that have a value, with the request's id. An object is named by its type."""
    found: dict[str, Value] = {}
    given = record.__dict__
    for key in LABELS if len(given) > _OF_EVERY_RECORD else ():
        value = given.get(key)
        if isinstance(value, str):
            found[key] = scrubber.ours(value)[:_VALUE_LENGTH]
        elif isinstance(value, int | float):
            found[key] = value
        elif value is not None:
            found[key] = type(value).__name__
    if request_id_var.get():
        found.setdefault("request_id", scrubber.ours(request_id_var.get())[:_VALUE_LENGTH])
    return found


def exception_lines(record: logging.LogRecord, scrubber: Scrubber) -> Iterator[str]:
    """Yield the type of the record's exception and its stack, then the type and stack of each cause.

    The messages of exceptions are left out, except those of `app.errors`, which are safe to show.
    """
    error = record.exc_info[1] if record.exc_info else None
    for depth in range(_CAUSES):
        if error is None:
            return
        kind = type(error)
        words = scrubber.foreign(f": {error}") if kind.__module__ == GatewayError.__module__ else ""
        yield f"{'caused by ' if depth else ''}{kind.__module__}.{kind.__qualname__}{words}"
        yield from _frames(error.__traceback__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _frames(trace: TracebackType | None) -> list[str]:
    walked = [
        f"  {frame.f_code.co_filename.rpartition('site-packages/')[2].removeprefix(f'{ROOT}/')}:{line}"
        f" in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(trace)
    ]
    return walked[-_FRAMES:]


def _quoted(value: Value) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text)
