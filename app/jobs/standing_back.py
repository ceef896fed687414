"""A worker that somebody starts beside the one that the web server started: it is told so, and stands back.

Both at work would be no fault of the database's, but nobody asked for two: the settings that they share say
WORKER=embedded, the default. Where only other servers than gunicorn serve there is no embedded worker, and it works.
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

logger = get_logger(__name__)


def is_beside_embedded(settings: SharedSettings, otherwise: bool = False) -> bool:
    """Whether an embedded worker is alive; `otherwise` while the database does not say."""
    try:
        return settings.has_embedded()
    except Unavailable:
        return otherwise


def wait_for_turn(settings: SharedSettings, stop: threading.Event) -> None:
    """Return once no embedded worker is alive, or at `stop`."""
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
    """Begin this process again from its start, under its number: then it stands back, with nothing in hand."""
    console.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
