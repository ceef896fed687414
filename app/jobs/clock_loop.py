"""A lane that puts right what a wrong clock has left behind."""

from __future__ import annotations

from app.container import Gateway
from app.jobs.loops import Lane
from app.logs import get_logger
from app.services.delivering.implausible_times import disbelieve

LOOK_SECONDS = 60.0

logger = get_logger(__name__)


def clock_lane(gateway: Gateway) -> Lane:
    """Look now and then; there is rarely anything to do."""

    def put_right() -> bool:
        wrong = disbelieve(gateway.database, gateway.now())
        if wrong:
            logger.warning("deliveries were put off by a wrong clock, or left behind", extra={"count": wrong})
        return bool(wrong)

    return Lane("clocks", put_right, LOOK_SECONDS)
