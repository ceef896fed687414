"""What a worker does before its first round, whichever engine it has."""

from __future__ import annotations

from contextlib import suppress

from app import __version__, metrics, migrations
from app.container import Gateway
from app.db.database import Database
from app.errors import Unavailable
from app.logs import get_logger
from app.services.operations import ReadState

logger = get_logger(__name__)


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
