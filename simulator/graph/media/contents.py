"""What Meta finds out about a file after it took it: it gives an id, and a wamid, and then fails the message (131053).

Source: Meta, business-phone-numbers/media; public reports of `audio/ogg` without its codec.
"""

from __future__ import annotations

from simulator.graph.media.store import MIME_TYPES, StoredFile

_STICKER_BYTES, _MOVING_STICKER_BYTES = 100 * 1024, 500 * 1024
_STARTS: dict[str, tuple[int, tuple[bytes, ...]]] = {
    "image/jpeg": (0, (b"\xff\xd8\xff",)),
    "image/png": (0, (b"\x89PNG\r\n\x1a\n",)),
    "image/webp": (8, (b"WEBP",)),
    "video/mp4": (4, (b"ftyp",)),
    "video/3gpp": (4, (b"ftyp",)),
    "audio/mp4": (4, (b"ftyp",)),
    "audio/amr": (0, (b"#!AMR",)),
    "audio/mpeg": (0, (b"ID3", b"\xff")),
    "audio/aac": (0, (b"\xff", b"ADIF")),
    "audio/ogg": (0, (b"OggS",)),
    "application/pdf": (0, (b"%PDF-",)),
}
"""Where in a file, and with which bytes, a type can be told."""


def problem_with(file: StoredFile, kind: str) -> str | None:
    """Say why a file cannot be delivered as an `image`, `video`, `audio`, `document` or `sticker`; None if it can."""
    bare = file.mime_type.partition(";")[0].strip().lower()
    if MIME_TYPES.get(bare, ("",))[0] != kind:
        return f"A file of type {file.mime_type} cannot be sent as {kind}"
    at, starts = _STARTS.get(bare, (0, ()))
    if starts and not file.content[at:].startswith(starts):
        return f"The file was uploaded as {bare}, and is something else."
    if bare == "audio/ogg":
        return _problem_with_ogg(file)
    return _problem_with_sticker(file) if kind == "sticker" else None


def _problem_with_ogg(file: StoredFile) -> str | None:
    if "codecs=opus" not in file.mime_type.replace(" ", "").replace('"', "").lower():
        return (
            "Unsupported Audio mime type audio/ogg. Please use one of audio/ogg; codecs=opus, audio/mpeg, audio/amr,"
            " audio/mp4, audio/aac."
        )
    at = file.content[:1024].find(b"OpusHead")
    if at < 0 or file.content[at + 9] != 1:
        return "Only the OPUS codec, mono, is supported in audio/ogg."
    return None


def _problem_with_sticker(file: StoredFile) -> str | None:
    head = file.content[:30]
    moves = head[12:16] == b"VP8X" and bool(head[20] & 2)
    if len(file.content) > (_MOVING_STICKER_BYTES if moves else _STICKER_BYTES):
        return "The sticker is too large: 100 KB, or 500 KB if it is animated."
    size = (0, 0)
    if head[12:16] == b"VP8X":
        size = int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    elif head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif head[12:16] == b"VP8 ":
        size = int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    return None if size == (512, 512) else f"A sticker must be 512x512 pixels, and is {size[0]}x{size[1]}."
