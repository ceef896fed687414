"""What the header of a JPEG, PNG, WebP or Ogg file says, read without decoding anything."""

from __future__ import annotations

from typing import IO

_SIZES_OF_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MOST_SEGMENTS = 500


def is_eight_bit_colour(file: IO[bytes], mime_type: str) -> bool:
    """Return whether a JPEG or PNG has the pixels that Meta takes: 8 bits, RGB or RGBA; grey only in a JPEG.

    False also for a header that cannot be read. The file is left at its beginning.
    """
    file.seek(0)
    try:
        if mime_type == "image/png":
            head = file.read(26)
            return len(head) == 26 and head[24] == 8 and head[25] in (2, 6)
        return _jpeg_components(file) in (1, 3)
    finally:
        file.seek(0)


def _jpeg_components(file: IO[bytes]) -> int | None:
    """Return how many components the pixels of a JPEG have (four are CMYK); None for other depths than 8 bits."""
    file.seek(2)
    for _ in range(_MOST_SEGMENTS):
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            return None
        if head[1] in _SIZES_OF_FRAMES:
            frame = file.read(6)
            return frame[5] if len(frame) == 6 and frame[0] == 8 else None
        file.seek(int.from_bytes(head[2:4], "big") - 2, 1)
    return None


def webp_size(file: IO[bytes]) -> tuple[int, int] | None:
    """Return width and height of a WebP; None if its header cannot be read. The file is left at its beginning."""
    file.seek(0)
    head = file.read(30)
    file.seek(0)
    if len(head) < 30:
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    return None


def opus_channels(file: IO[bytes]) -> int | None:
    """Return how many channels an Ogg file with Opus has, by its first page. The file is left at its beginning."""
    file.seek(0)
    head = file.read(1024)
    file.seek(0)
    at = head.find(b"OpusHead")
    return head[at + 9] if 0 <= at < len(head) - 9 else None
