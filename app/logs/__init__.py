"""Logs that anyone who runs the service may read: no secret, no phone number, no text of a message.

A record's message is a constant. Values go into `extra`, of which only the keys in `lines.LABELS` are written. Of an
exception only the type and the place are written, because a library's message may quote its input.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from app import traces
from app.config.settings import Config
from app.logs.files import DailyFileHandler
from app.logs.lines import OUR_LOGGER, JsonFormatter, TextFormatter, is_ours, request_id_var
from app.logs.scrub import Scrubber
from app.process.console import say_drops_as

__all__ = ["configure_logging", "console", "formatter", "get_logger", "request_id_var"]


def get_logger(name: str) -> logging.Logger:
    """Return the gateway's logger for a module: `get_logger(__name__)` in `app.web.auth` is
    `whatsapp_service.web.auth`."""
    return logging.getLogger(f"{OUR_LOGGER}.{name.removeprefix('app.')}")


def configure_logging(config: Config, process: str) -> None:
    """Log to stderr at `LOG_LEVEL` and to a file of the UTC day at DEBUG, as the process called `process`.

    Its traces go by the same name. Third-party loggers are written from WARNING on, whatever level they set. It may be
    called again; the last call counts. A folder that cannot be written to causes one warning on the console and never
    stops the service.
    """
    traces.begin(config.otel_exporter_otlp_endpoint, process)
    root = logging.getLogger()
    for handler in [each for each in root.handlers if (each.name or "").startswith(OUR_LOGGER)]:
        root.removeHandler(handler)
        handler.close()
    lines = formatter(config, process)
    _tell_drops(lines)
    screen = _Console()
    screen.setLevel(config.log_level)
    file = DailyFileHandler(Path(config.log_dir))
    for name, handler in (("console", screen), ("file", file)):
        handler.set_name(f"{OUR_LOGGER}.{name}")
        handler.setFormatter(lines)
        handler.addFilter(_from_us_or_serious)
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OUR_LOGGER).setLevel(logging.DEBUG)
    file.open_now()


def console(config: Config, process: str) -> Callable[[str], None]:
    """Return a function that writes a line to stderr: as it is, or as a log record where the log is JSON.

    A line that is JSON already, as a child's may be, is written unchanged.
    """
    lines = formatter(config, process)
    _tell_drops(lines)

    def write(text: str) -> None:
        text = text.rstrip("\n")
        if config.log_format == "json" and not text.startswith("{"):
            name = f"{OUR_LOGGER}.{process.replace(' ', '_')}"
            text = lines.format(logging.LogRecord(name, logging.INFO, "", 0, text, None, None))
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    return write


def formatter(config: Config, process: str) -> logging.Formatter:
    """Return the formatter for `LOG_FORMAT`, for the process called `process`."""
    scrubber = Scrubber(config.secret_values())
    return JsonFormatter(process, scrubber) if config.log_format == "json" else TextFormatter(process, scrubber)


def _tell_drops(lines: logging.Formatter) -> None:
    """Format the line that reports dropped lines like the other lines."""

    def notice(count: int) -> str:
        words = "console lines were dropped, because nobody took them"
        record = logging.LogRecord(f"{OUR_LOGGER}.logs", logging.WARNING, "", 0, words, None, None)
        record.count = count
        return f"{lines.format(record)}\n"

    say_drops_as(notice)


def _from_us_or_serious(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or is_ours(record)


class _Console(logging.StreamHandler):  # type: ignore[type-arg]
    def handleError(self, record: logging.LogRecord) -> None:
        """Stay silent: the standard handler prints the record with its arguments. There is no other place for it."""
