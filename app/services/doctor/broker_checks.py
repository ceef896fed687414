"""Checks of the broker that carries the work, where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from app.services.doctor.context import DoctorContext
from app.services.doctor.types import Found, fail, ok, skipped

CONNECT_SECONDS = 4.0


def broker(context: DoctorContext) -> Iterator[Found]:
    """Find a broker that does not answer, or lets us not in. Never says its address, which holds a password."""
    url = context.config.broker_url
    if not url:
        yield skipped("BROKER_URL is not set: the worker takes its work from the database.")
        return
    import kombu  # only here: most installations have no broker, and it loads slowly

    kind = "Redis" if url.startswith("redis") else "RabbitMQ"
    place = urlsplit(url).hostname or "its host"
    try:
        with kombu.Connection(url, connect_timeout=CONNECT_SECONDS) as connection:
            connection.connect()
            connection.default_channel  # noqa: B018  # Redis is first called here
    except Exception as error:  # of the driver's own kinds
        yield fail(
            f"{kind} at {place} does not take our connection ({type(error).__name__}).",
            "See whether it runs, and whether user, password and virtual host (or database) in BROKER_URL are right."
            " Meanwhile the work goes on from the database, more slowly.",
        )
        return
    yield ok(f"{kind} takes our connection.")
