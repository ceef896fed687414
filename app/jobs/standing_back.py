"""Let a separate worker wait while an embedded worker, started by the web server, is alive.

With WORKER=embedded, the default, one worker is intended. Two would do no harm to the data, but nobody asked for both,
so the separate one logs a warning and waits. Servers other than gunicorn start no embedded worker; then it works.
"""

from __future__ import annotations

import os
import sys
import threading

from app.errors import Unavailable
from app.logs import get_logger
from app.process import console
from app.services.operations import SharedSettings

LOOK_SECONDS = 5.0
"""Interval between two checks for an embedded worker."""

logger = get_logger(__name__)


def is_beside_embedded(settings: SharedSettings, otherwise: bool = False) -> bool:
    """Whether an embedded worker is alive. Returns `otherwise` if the database cannot be used."""
    try:
        return settings.has_embedded()
    except Unavailable:
        return otherwise


def wait_for_turn(settings: SharedSettings, stop: threading.Event) -> None:
    """Wait until no embedded worker is alive, or until `stop` is set."""
    is_told = False
    while not stop.is_set() and is_beside_embedded(settings, otherwise=is_told):
        if not is_told:
            is_told = True
            logger.warning(
                "the web server's own worker is at work, so this one stands back until it is gone; set WORKER=external"
                " for the web server to start none, and for this one to work"
            )
        stop.wait(LOOK_SECONDS)


def begin_anew() -> None:
    """Restart this process under the same process id. It then waits in `wait_for_turn`, and holds no claims."""
    console.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
