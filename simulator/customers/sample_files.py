"""Small files for customers to send, made here: a picture, a voice note, a document."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

_WIDTH, _HEIGHT = 320, 200
_SILENT_FRAME = b"\xf8\xff\xfe"  # 20 ms of nothing in Opus: one CELT frame, mono, all bands empty
_SAMPLES_PER_FRAME = 960
_VOICE_FRAMES = 150
_FRAMES_PER_PAGE = 50


@dataclass(frozen=True)
class SampleFile:
    """A file and what it calls itself."""

    mime_type: str
    content: bytes
    filename: str | None = None


def picture() -> SampleFile:
    """A PNG: the sun over the sea."""
    rows = b"".join(b"\x00" + b"".join(_pixel(x, y) for x in range(_WIDTH)) for y in range(_HEIGHT))
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    chunks = _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", zlib.compress(rows, 9)) + _png_chunk(b"IEND", b"")
    return SampleFile("image/png", b"\x89PNG\r\n\x1a\n" + chunks)


def voice_note() -> SampleFile:
    """Three seconds of Opus in Ogg, mono, as WhatsApp records them. Nobody speaks."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 9) + b"simulator" + struct.pack("<I", 0)
    pages = [_ogg_page([head], 0, 0, 0x02), _ogg_page([tags], 1, 0, 0x00)]
    for start in range(0, _VOICE_FRAMES, _FRAMES_PER_PAGE):
        end = start + _FRAMES_PER_PAGE
        last = 0x04 if end >= _VOICE_FRAMES else 0x00
        pages.append(_ogg_page([_SILENT_FRAME] * _FRAMES_PER_PAGE, len(pages), end * _SAMPLES_PER_FRAME, last))
    return SampleFile("audio/ogg; codecs=opus", b"".join(pages))


def document() -> SampleFile:
    """A PDF of one page."""
    stream = b"BT /F1 24 Tf 72 720 Td (A document) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return SampleFile("application/pdf", body + trailer % (size, table, size, len(body)), "document.pdf")


SAMPLES: dict[str, Callable[[], SampleFile]] = {"image": picture, "audio": voice_note, "document": document}
"""The message types that there is a sample of."""


def _pixel(x: int, y: int) -> bytes:
    horizon = 130
    if (x - 160) ** 2 + (y - 105) ** 2 < 45**2 and y < horizon:
        return bytes((255, 214, 90))
    if y < horizon:
        return bytes((250 - y // 3, 150 + y // 4, 110 + y // 3))
    glitter = abs(x - 160) < 40 - (y - horizon) // 3 and y % 4 < 2
    return bytes((240, 190, 110)) if glitter else bytes((30, 90 - (y - horizon) // 3, 130))


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _ogg_page(packets: list[bytes], sequence: int, position: int, flags: int) -> bytes:
    header = b"OggS" + struct.pack("<BBqIII", 0, flags, position, 1, sequence, 0)
    body = bytes([len(packets)]) + bytes(len(packet) for packet in packets) + b"".join(packets)
    page = header + body
    return page[:22] + struct.pack("<I", _ogg_crc(page)) + page[26:]


def _ogg_crc(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = ((value << 1) ^ 0x04C11DB7) & 0xFFFFFFFF if value & 0x80000000 else (value << 1) & 0xFFFFFFFF
    return value
