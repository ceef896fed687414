"""Registries kept in the memory of each process: business numbers, endpoints and API keys.

`versions` holds their common version in the database. A process reads a registry again once the version has changed,
and whoever changes one (`changing`) answers only after every process does so. `send_limits` are the limits of sending
that a process's settings ask for, `key_use` records when each API key was last used.
"""

from app.services.registries.api_keys import SCOPES, ApiKeys, Caller
from app.services.registries.endpoints import (
    HEALTHY,
    OLD_SECRET_LIFETIME,
    EndpointDirectory,
    health_of,
    new_row,
    to_endpoint,
)
from app.services.registries.key_use import WRITE_EVERY, RecordKeyUse
from app.services.registries.numbers import NumberDirectory, app_of
from app.services.registries.send_limits import limits_of
from app.services.registries.versions import Registry, changing

__all__ = [
    "HEALTHY", "OLD_SECRET_LIFETIME", "SCOPES", "WRITE_EVERY", "ApiKeys", "Caller", "EndpointDirectory",
    "NumberDirectory", "RecordKeyUse", "Registry", "app_of", "changing", "health_of", "limits_of", "new_row",
    "to_endpoint",
]  # fmt: skip
