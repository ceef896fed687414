"""gunicorn's log lines in the gateway's format, without quotes from requests."""

from __future__ import annotations

import logging
import re
from typing import Any

from gunicorn.glogging import Logger

from app.process import console

_SIGNAL = re.compile(r"SIG[A-Z0-9]{2,8}")
HIDDEN = "[...]"


class GunicornLogger(Logger):  # type: ignore[misc]
    """`logger_class` of gunicorn.conf.py, which sets `lines`, the formatter."""

    lines: logging.Formatter | None = None

    def setup(self, cfg: Any) -> None:
        """Configure the handlers as gunicorn does, then use our formatter and filter out quotes from requests."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.addFilter(_quote_nothing)
            if self.lines is not None:
                handler.setFormatter(self.lines)

    def reopen_files(self) -> None:
        """Open a new file if the console is a file that was moved: on SIGUSR1, in master and web processes."""
        super().reopen_files()
        console.reopen()


def _quote_nothing(record: logging.LogRecord) -> bool:
    """Keep of a record only gunicorn's own words, numbers and signal names: no request line, path or body.

    A message that quotes a request already, which begins with "Invalid request", is replaced by a constant one.
    """
    if isinstance(record.msg, str) and record.msg.startswith("Invalid request"):
        record.msg, record.args = "a request that cannot be read was refused", None
    elif isinstance(record.args, tuple):
        record.args = tuple(_plain(each) for each in record.args)
    return True


def _plain(value: object) -> object:
    if isinstance(value, int | float) or (isinstance(value, str) and _SIGNAL.fullmatch(value)):
        return value
    return HIDDEN
