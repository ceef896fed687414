"""The first picture of a film, as a small JPEG."""

from __future__ import annotations

from itertools import islice
from typing import Any, BinaryIO

from app.conversion import pictures
from app.conversion.containers import opened, pictures_in
from app.conversion.refusal import Refused

MOST_PACKETS = 500
"""Packets that are read in search of the first picture: some begin with sound, or with what leans on a missing one."""

MAX_PIXELS = pictures.MAX_PIXELS
"""Larger films are refused before one is decoded. 8K has 33 million."""


def convert(source: BinaryIO, mime_type: str, path: str) -> dict[str, Any]:
    """Write the first picture that can be decoded to `path`, turned and stretched as it is to be seen."""
    with opened(source, mime_type) as container:
        film = pictures_in(container)
        if not film:
            raise Refused("There are no pictures in it.")
        _check_size(film[0].codec_context.width, film[0].codec_context.height)
        film[0].codec_context.options = {"max_pixels": str(MAX_PIXELS)}  # whatever the container says
        film[0].codec_context.thread_count = 1  # each thread of a decoder holds pictures of its own
        frame = next(_frames(container, film[0]), None)
        if frame is None:
            raise Refused("No picture of it can be decoded.")
        _check_size(frame.width, frame.height)
        return pictures.write_thumbnail(path, _as_seen(frame, film[0]))


def _frames(container: Any, film: Any) -> Any:
    """Yield pictures; those that cannot be decoded are passed over, as a player does."""
    import av.error

    for packet in islice(container.demux([film]), MOST_PACKETS):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def _as_seen(frame: Any, film: Any) -> Any:
    """Return a picture of Pillow's, small already, with square points and upright."""
    aspect = float(film.sample_aspect_ratio or 1)
    if not 0.1 <= aspect <= 10:
        aspect = 1.0
    width, height = frame.width * aspect, float(frame.height)
    scale = min(1.0, pictures.THUMBNAIL[0] / max(width, height))
    size = {"width": max(1, round(width * scale)), "height": max(1, round(height * scale))}
    picture = frame.reformat(**size, format="rgb24").to_image()
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Refused(f"It has more than {MAX_PIXELS // 1_000_000} million pixels.")
