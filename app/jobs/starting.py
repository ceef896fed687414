"""What a worker does before its first round, whichever engine it has."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress

from app import __version__, metrics, migrations
from app.container import Gateway
from app.db.database import Database
from app.errors import Unavailable
from app.logs import get_logger
from app.services.operations import ReadState

SWITCH_SECONDS = 0.0005
"""After how long a thread that computes lets another one have the interpreter. The thread that posts events gives it up
at each send and receive, and with Python's own 5 ms waits that long for each while a lane normalises."""

YOUNG_OBJECTS = 20_000
"""How many more objects there are before the garbage collector looks at the young ones. Python's own limit is 700."""

logger = get_logger(__name__)


def tune_interpreter() -> None:
    """Let threads take turns more often, and the garbage collector pass over what stays: modules, models, settings.

    Its full rounds visit all of that each time, and no lane runs meanwhile. It looks less often at young objects, too,
    because a batch makes thousands, which all go without it. Called when everything is imported and made.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


def serve_metrics(gateway: Gateway) -> None:
    """Serve metrics on METRICS_HOST; nothing without METRICS_PORT, and only a warning where the port is taken."""
    port = gateway.config.metrics_port
    if not port:
        return
    read = ReadState(gateway.config, gateway.database, gateway.directory, __version__, gateway.now)
    try:
        metrics.serve(port, read, gateway.config.metrics_host)
    except OSError as error:
        # A second worker on this machine must run even without metrics.
        logger.warning("METRICS_PORT is taken; this worker serves no metrics", extra={"error": type(error).__name__})


def refuse_later_schema(database: Database) -> None:
    """Raise `Unavailable` for a schema that this release cannot use. A database that is away is waited for later."""
    reason = None
    with suppress(Unavailable):
        with database.read() as session:
            reason = migrations.refusal(session.connection())
    if reason is not None:
        database.dispose()
        raise Unavailable(reason=reason)
