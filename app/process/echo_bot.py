"""When the echo bot of the first minutes stays away: as soon as anybody else answers customers.

It is started while a simulator stands in for Meta and the settings name nobody who answers. What begins to answer later
(an app that polls `/api/events`, an endpoint with replies) is seen by the web processes, which then tell the bot of no
events. Two bots would answer each message twice.
"""

from __future__ import annotations

import os
import struct

from app.process import draining

HEADER = "X-Echo-Bot"
"""What the bot that the gateway started sends along, and no other copy of it: that one is somebody's own bot. Whoever
reads events and answers nobody, as `simulate` does, sends it with another value."""

ECHO_BOT = "1"
"""The header's value for the bot itself."""

MARK = "ECHO_BOT_MARK"
"""The environment variable from which the bot takes the header's value."""

RECENTLY_SECONDS = 600.0

_PLACE, _TIME = 8, struct.Struct("d")
"""Where the file that all processes of a server share holds the time of somebody's last poll; see `lifecycle`."""


def note_reader(now: float) -> None:
    """Remember, for all processes of this server, that somebody's own app reads events at `now` (seconds)."""
    os.pwrite(draining.descriptor(), _TIME.pack(now), _PLACE)


def has_reader(now: float) -> bool:
    """Whether somebody's own app has read events lately."""
    kept = os.pread(draining.descriptor(), _TIME.size, _PLACE)
    return len(kept) == _TIME.size and 0 <= now - _TIME.unpack(kept)[0] < RECENTLY_SECONDS
