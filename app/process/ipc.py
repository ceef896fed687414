"""What the gateway and the processes it starts say to each other over a socket: JSON, with its length in front."""

from __future__ import annotations

import json
import struct
from typing import Any

LENGTH = struct.Struct("!I")

Json = dict[str, Any]


def pack(frame: Json) -> bytes:
    """A frame as it travels. Raises `TypeError` and `ValueError` for what JSON cannot say."""
    return packed(json.dumps(frame, allow_nan=False).encode())


def packed(body: bytes) -> bytes:
    """A frame that is JSON already."""
    return LENGTH.pack(len(body)) + body
