"""Statistics. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.types import OverviewAnswer, PointAnswer, StatsAnswer


class Statistics(Operations):
    """Statistics."""

    def get_overview(self) -> OverviewAnswer:
        """Show how much waits in each queue and for how long, whether a worker runs, and what waits for a person."""
        path = "/api/overview"
        return cast(OverviewAnswer, self.transport.json("GET", path))

    def get_statistics(
        self,
        *,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        phone_number_id: str | None = None,
    ) -> StatsAnswer:
        """Count how much came and went, how well, how fast, and what Meta charges for.

        Counted by the worker: what happened in the last 15 seconds may be missing.

        - `since`: ISO 8601 with its offset; without it, 24 hours before `until`.
        - `until`: ISO 8601 with its offset; without it, now.
        - `phone_number_id`: Meta's id of one of our numbers.
        """
        path = "/api/stats"
        query = {"since": since, "until": until, "phone_number_id": phone_number_id}
        return cast(StatsAnswer, self.transport.json("GET", path, query=query))

    def get_statistics_series(
        self,
        *,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        phone_number_id: str | None = None,
        step: Literal["minute", "hour", "day"] | None = None,
    ) -> Pages[PointAnswer]:
        """Count the same by the minute, hour (the usual step) or day, oldest first, at most 1,500 points.

        - `since`: ISO 8601 with its offset; without it, 24 hours before `until`.
        - `until`: ISO 8601 with its offset; without it, now.
        - `phone_number_id`: Meta's id of one of our numbers.
        - `step`: How long each point is; minutes are kept for three days.
        """
        path = "/api/stats/series"
        query = {"since": since, "until": until, "phone_number_id": phone_number_id, "step": step}
        return self._pages(path, query)
