"""What runs in the process that converts one file: it sets its own limits, converts, and writes one line of JSON.

The libraries that decode files are imported here and nowhere else, after the limits are set, since they read what
strangers made. The source is standard input, an open file; the demuxer or decoder is named by the caller and never
guessed from the file, so that no playlist or script makes FFmpeg open other files or hosts.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import sys
from typing import Any, BinaryIO

from app.conversion.refusal import Refused

MEMORY_BYTES = 1536 * 1024 * 1024
OPEN_FILES = 64


def main(order: str) -> None:
    """Carry out an order (JSON: `target`, `source`, `path`, `most_bytes`, `shrink`, `seconds`) and print the result."""
    asked = json.loads(order)
    _limit(int(asked["seconds"]), 2 * int(asked["most_bytes"]))
    try:
        with os.fdopen(os.dup(0), "rb") as source:
            said = _convert(asked, source)
    except (Refused, OSError) as error:
        if not _is_full(error) and not isinstance(error, Refused):
            raise
        said = {"full": True} if _is_full(error) else {"refused": str(error)}
    except MemoryError:
        said = {"refused": "It needs more memory to be decoded than a file of this kind may."}
    sys.stdout.write(json.dumps(said))
    sys.stdout.flush()


def _is_full(error: BaseException | None) -> bool:
    """Return whether a disk without room is behind an error: FFmpeg's errors of reading and writing look alike."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False


def _limit(seconds: int, file_bytes: int) -> None:
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        resource.setrlimit(what, (most, most))
    os.nice(10)


def _convert(asked: dict[str, Any], source: BinaryIO) -> dict[str, Any]:
    target, kind = asked["target"], asked["source"]
    if target == "thumbnail" and kind.startswith("video/"):
        from app.conversion import first_frames

        return first_frames.convert(source, kind, asked["path"])
    if target in ("image", "sticker", "thumbnail"):
        from app.conversion import pictures

        return pictures.convert(target, source, asked["path"], asked["most_bytes"], shrink=asked["shrink"])
    if target == "video":
        from app.conversion import films

        return films.convert(source, kind, asked["path"], asked["most_bytes"])
    from app.conversion import sounds

    return sounds.convert(target, source, kind, asked["path"], asked["most_bytes"])
