"""gunicorn's own lines, as ours: in the same form, and quoting no request."""

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
        """Configure the handlers as gunicorn does, then write with our formatter what quotes nothing."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.addFilter(_quote_nothing)
            if self.lines is not None:
                handler.setFormatter(self.lines)

    def reopen_files(self) -> None:
        """Go on in a new file where the console is one that was moved away: SIGUSR1, in master and web processes."""
        super().reopen_files()
        console.reopen()


def _quote_nothing(record: logging.LogRecord) -> bool:
    """Keep of a record what gunicorn wrote itself: numbers and names of signals, never a request's line, path or body.

    What it has put into the message beforehand begins with these words.
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
