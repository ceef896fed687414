"""Doctor. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import cast

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.types import DoctorAnswer


class Doctor(Operations):
    """Doctor."""

    def examine_installation(self, *, checks: str | None = None) -> DoctorAnswer:
        """Look at settings, storage, processes, Meta and the callback; say of each what was found and what to do.

        Takes some seconds, since it calls Meta and the public address. Changes nothing.

        - `checks`: Names of checks, comma-separated; all without it.
        """
        path = "/api/doctor"
        query = {"checks": checks}
        return cast(DoctorAnswer, self.transport.json("GET", path, query=query))
