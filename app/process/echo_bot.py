"""When the first-run echo bot must be silent: as soon as anything else answers customers.

The bot is started while a simulator replaces Meta and the settings name nothing that answers. If something begins to
answer later (an app that polls `/api/events`, an endpoint with replies), the web processes notice it and give the bot
no more events. Two bots would answer each message twice.
"""

from __future__ import annotations

import os
import struct

from app.process import draining

HEADER = "X-Echo-Bot"
"""The request header by which the gateway's own bot is recognised; another copy of the bot does not send it. A client
that reads events and answers nobody, such as `simulate`, sends it with another value."""

ECHO_BOT = "1"
"""The header's value for the bot itself."""

MARK = "ECHO_BOT_MARK"
"""The environment variable from which the bot takes the header's value."""

RECENTLY_SECONDS = 600.0

_PLACE, _TIME = 8, struct.Struct("d")
"""The offset in the file that all processes of a server share of the time of the last poll; see `draining`."""


def note_reader(now: float) -> None:
    """Store for all processes of this server that the user's own app read events at `now` (seconds)."""
    os.pwrite(draining.descriptor(), _TIME.pack(now), _PLACE)


def has_reader(now: float) -> bool:
    """Return whether the user's own app has read events within the last `RECENTLY_SECONDS`."""
    kept = os.pread(draining.descriptor(), _TIME.size, _PLACE)
    return len(kept) == _TIME.size and 0 <= now - _TIME.unpack(kept)[0] < RECENTLY_SECONDS
