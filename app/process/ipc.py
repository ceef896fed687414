"""Frames between the gateway and the processes it starts, sent over a socket: JSON, preceded by its length."""

from __future__ import annotations

import json
import struct
from typing import Any

LENGTH = struct.Struct("!I")

Json = dict[str, Any]


def pack(frame: Json) -> bytes:
    """Return the bytes of a frame. Raises `TypeError` and `ValueError` for values that JSON cannot express."""
    return packed(json.dumps(frame, allow_nan=False).encode())


def packed(body: bytes) -> bytes:
    """Return the bytes of a frame whose body is JSON already."""
    return LENGTH.pack(len(body)) + body
