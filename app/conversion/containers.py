"""Open a recording with the demuxer that its type names, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import av
import av.error

from app.conversion.refusal import Refused

DEMUXERS = {
    "audio/ogg": "ogg", "video/ogg": "ogg", "application/ogg": "ogg", "audio/opus": "ogg",
    "audio/webm": "matroska", "video/webm": "matroska", "video/x-matroska": "matroska", "audio/x-matroska": "matroska",
    "audio/mp4": "mov", "video/mp4": "mov", "audio/x-m4a": "mov", "audio/m4a": "mov", "video/quicktime": "mov",
    "video/3gpp": "mov", "audio/3gpp": "mov", "video/3gpp2": "mov", "audio/3gpp2": "mov",
    "audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/aac": "aac", "audio/amr": "amr",
    "audio/wav": "wav", "audio/x-wav": "wav", "audio/vnd.wave": "wav", "audio/flac": "flac", "audio/x-flac": "flac",
    "audio/aiff": "aiff", "audio/x-aiff": "aiff",
}  # fmt: skip
"""FFmpeg's demuxer for each type. A type without one is not opened."""


@contextmanager
def opened(source: BinaryIO, mime_type: str) -> Iterator[Any]:
    """Open a recording; raise `Refused` if it is not what its type says, or breaks off while it is read."""
    demuxer = DEMUXERS.get(mime_type)
    if demuxer is None:
        raise Refused(f"It is {mime_type}, which is no recording that can be converted.")
    try:
        with av.open(source, format=demuxer) as container:
            yield container
    except (av.error.FFmpegError, EOFError, ValueError) as error:
        raise Refused(f"It cannot be read as {mime_type}: it is damaged, or something else.") from error


def pictures_in(container: Any) -> list[Any]:
    """Return the tracks with moving pictures; the cover of an album is none."""
    return [each for each in container.streams.video if not each.disposition & av.stream.Disposition.attached_pic]
