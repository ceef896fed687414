"""What is inside containers: which of several types an MP4, Ogg, Matroska, ZIP or OLE file is, and its codec.

Each function reads a bounded number of small pieces, whatever the file says of its own sizes, and raises nothing for a
file that breaks off or lies.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from typing import IO

Found = tuple[str, str | None]

OLE = "application/x-ole-storage"
"""An old Office file of which not even the program is known."""

OLE_TYPES = frozenset(
    {"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.ms-outlook"}
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
_MOST_BOXES = 300
_MOST_NAMES = 20_000
_LARGEST_DIRECTORY = 2 * 1024 * 1024

_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_CODECS = {
    b"mp4a": "aac", b"Opus": "opus", b"samr": "amr", b"sawb": "amr-wb", b"alac": "alac", b"fLaC": "flac",
    b"avc1": "h264", b"avc3": "h264", b"hvc1": "hevc", b"hev1": "hevc", b"vp09": "vp9", b"av01": "av1",
    b"mp4v": "mpeg4", b"s263": "h263",
}  # fmt: skip


def of_mp4(file: IO[bytes]) -> Found:
    """Return the type of an ISO base media file: by its brands if they say it, else by the tracks that it holds."""
    file.seek(0)
    size = struct.unpack(">I", file.read(4))[0]
    brands = file.read(min(max(size, 16), 256) - 4)[4:]
    major, every = brands[:4], {brands[:4], *(brands[at : at + 4] for at in range(8, len(brands) - 3, 4))}
    if every & {b"avif", b"avis"}:
        return "image/avif", None
    if every & _HEIC:
        return "image/heic", None
    if major in (b"mif1", b"msf1"):
        return "image/heif", None
    if major == b"crx ":
        return "image/x-canon-cr3", None
    tracks = _tracks(file)
    has_video = b"vide" in tracks
    codecs = tracks.get(b"vide") or tracks.get(b"soun")
    family = "video" if has_video or not tracks else "audio"
    if major.startswith(b"qt"):
        return ("video/quicktime" if family == "video" else "audio/mp4"), codecs
    if major.startswith(b"3g2"):
        return f"{family}/3gpp2", codecs
    if major.startswith((b"3gp", b"3gr", b"3gs")):
        return f"{family}/3gpp", codecs
    if major in (b"M4A ", b"M4B ", b"M4P ") and not has_video:
        return "audio/mp4", codecs
    return f"{family}/mp4", codecs


def _tracks(file: IO[bytes]) -> dict[bytes, str | None]:
    """Return the codec of each kind of track (`vide`, `soun`) of an MP4 file."""
    file.seek(0, 2)
    tracks: dict[bytes, str | None] = {}
    budget = [_MOST_BOXES]
    for name, start, end in _boxes(file, 0, file.tell(), budget):
        if name != b"moov":
            continue
        for inner, from_, until in _boxes(file, start, end, budget):
            if inner == b"trak":
                kind, codec = _track(file, from_, until, budget)
                tracks.setdefault(kind, codec)
    return {kind: codec for kind, codec in tracks.items() if kind in (b"vide", b"soun")}


def _track(file: IO[bytes], start: int, end: int, budget: list[int]) -> tuple[bytes, str | None]:
    kind, codec = b"", None
    for name, inside, until in _boxes(file, start, end, budget):
        if name in (b"mdia", b"minf", b"stbl"):
            inner_kind, inner_codec = _track(file, inside, until, budget)
            kind, codec = kind or inner_kind, codec or inner_codec
        elif name == b"hdlr" and not kind:
            file.seek(inside + 8)
            kind = file.read(4)
            kind = kind if kind in (b"vide", b"soun") else b""
        elif name == b"stsd":
            file.seek(inside + 12)
            codec = _CODECS.get(file.read(4))
    return kind, codec


def _boxes(file: IO[bytes], start: int, end: int, budget: list[int]) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the contents of each box between two places, while the budget of boxes lasts."""
    while start + 8 <= end and budget[0] > 0:
        budget[0] -= 1
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            return
        size, name = struct.unpack(">I4s", head[:8])
        inside = start + 8
        if size == 1 and len(head) == 16:
            size, inside = struct.unpack(">Q", head[8:])[0], start + 16
        until = end if size == 0 else start + size
        if until <= start or until < inside:
            return
        yield name, inside, min(until, end)
        start = until


_OGG = ((b"OpusHead", "audio/ogg", "opus"), (b"\x01vorbis", "audio/ogg", "vorbis"), (b"\x7fFLAC", "audio/ogg", "flac"),
        (b"Speex   ", "audio/ogg", "speex"), (b"\x80theora", "video/ogg", "theora"))  # fmt: skip


def of_ogg(head: bytes) -> Found:
    """Return the type of an Ogg file by the first packet of each of its streams, which names the codec."""
    at, found = 0, []
    while head[at : at + 4] == b"OggS" and len(head) > at + 27 and head[at + 5] & 2:
        segments = head[at + 26]
        packet = at + 27 + segments
        found += [(mime, codec) for magic, mime, codec in _OGG if head.startswith(magic, packet)]
        at = packet + sum(head[at + 27 : packet])
    if not found:
        return "application/ogg", None
    return next((each for each in found if each[0] == "video/ogg"), found[0])


_SEGMENT, _TRACKS, _ENTRY, _TYPE, _CODEC, _DOCTYPE = 0x18538067, 0x1654AE6B, 0xAE, 0x83, 0x86, 0x4282
_EBML = 0x1A45DFA3


def of_matroska(head: bytes) -> Found:
    """Return the type of a WebM or Matroska file: video only if one of its tracks is a picture's."""
    doctype, kinds, codecs = b"", set(), []
    for name, data in _elements(head, (_EBML, _SEGMENT, _TRACKS, _ENTRY)):
        if name == _DOCTYPE:
            doctype = data.rstrip(b"\0")
        elif name == _TYPE:
            kinds.add(data[-1:])
        elif name == _CODEC:
            codecs.append(data.decode("ascii", "replace").partition("_")[2].lower().partition("/")[0])
    family = "audio" if kinds == {b"\x02"} else "video"
    return (f"{family}/webm" if doctype == b"webm" else f"{family}/x-matroska"), (codecs[0] if codecs else None)


def _elements(data: bytes, opened: tuple[int, ...]) -> Iterator[tuple[int, bytes]]:
    """Yield the elements of EBML in order. Those named in `opened` are entered instead; what is cut off is left out."""
    at = 0
    for _ in range(_MOST_BOXES):
        name, width = _number(data, at, keeps_mark=True)
        size, more = _number(data, at + width, keeps_mark=False) if width else (0, 0)
        if not width or not more:
            return
        at += width + more
        if name in opened:
            continue
        if at + size > len(data):
            return
        yield name, data[at : at + size]
        at += size


def _number(data: bytes, at: int, *, keeps_mark: bool) -> tuple[int, int]:
    """Return a number of variable width and its width in bytes; a width of 0 says that there is none."""
    first = data[at : at + 1]
    if not first or not first[0]:
        return 0, 0
    width = 9 - first[0].bit_length()
    piece = data[at : at + width]
    if len(piece) < width:
        return 0, 0
    value = int.from_bytes(piece, "big")
    return (value if keeps_mark else value & ~(1 << 7 * width)), width


_PARTS = (("word/", f"{_OFFICE}wordprocessingml.document", "application/vnd.ms-word.document.macroEnabled.12"),
          ("xl/", f"{_OFFICE}spreadsheetml.sheet", "application/vnd.ms-excel.sheet.macroEnabled.12"),
          ("ppt/", f"{_OFFICE}presentationml.presentation",
           "application/vnd.ms-powerpoint.presentation.macroEnabled.12"))  # fmt: skip


def of_zip(file: IO[bytes], head: bytes) -> str:
    """Return the type of a ZIP file by the names in its directory. Nothing is decompressed."""
    if head[30:38] == b"mimetype" and head[8:10] == b"\0\0":  # EPUB and OpenDocument say it in their first entry
        length = struct.unpack("<I", head[18:22])[0]
        start = 38 + struct.unpack("<H", head[28:30])[0]
        said = head[start : start + min(length, 100)].decode("ascii", "replace").strip()
        if said.startswith(("application/epub+zip", "application/vnd.oasis.opendocument.")):
            return said
    names = _zip_names(file)
    if "[Content_Types].xml" in names:
        for folder, plain, with_macros in _PARTS:
            if any(name.startswith(folder) for name in names):
                return with_macros if f"{folder}vbaProject.bin" in names else plain
    if "AndroidManifest.xml" in names:
        return "application/vnd.android.package-archive"
    return "application/java-archive" if "META-INF/MANIFEST.MF" in names else "application/zip"


def _zip_names(file: IO[bytes]) -> set[str]:
    """Return the names in a ZIP file's directory; none if the directory is missing or too large to be read."""
    file.seek(0, 2)
    tail_size = min(file.tell(), 65_557)
    file.seek(-tail_size, 2)
    tail = file.read(tail_size)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        return set()
    count, size = struct.unpack("<HI", tail[end + 10 : end + 16])
    is_zip64 = tail[max(end - 20, 0) : end].startswith(b"PK\x06\x07")  # its sizes stand elsewhere and are not bounded
    if count > _MOST_NAMES or size > _LARGEST_DIRECTORY or is_zip64:
        return set()
    try:
        with zipfile.ZipFile(file) as archive:
            return set(archive.namelist()[:_MOST_NAMES])
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, struct.error):
        return set()


_STREAMS = (("WordDocument", "application/msword"), ("Workbook", "application/vnd.ms-excel"),
            ("Book", "application/vnd.ms-excel"), ("PowerPoint Document", "application/vnd.ms-powerpoint"),
            ("__properties_version1.0", "application/vnd.ms-outlook"))  # fmt: skip


def of_ole(file: IO[bytes], head: bytes) -> str:
    """Return the type of an old Office file by the names in the first part of its directory."""
    if len(head) < 512:
        return OLE
    sector = 1 << min(struct.unpack("<H", head[30:32])[0], 12)
    first = struct.unpack("<I", head[48:52])[0]
    file.seek(0, 2)
    place = (first + 1) * sector
    if place >= file.tell():
        return OLE
    file.seek(place)
    directory = file.read(16 * 512)
    names = {_ole_name(directory[at : at + 128]) for at in range(0, len(directory) - 127, 128)}
    return next((mime for name, mime in _STREAMS if name in names), OLE)


def _ole_name(entry: bytes) -> str:
    length = struct.unpack("<H", entry[64:66])[0]
    return entry[: max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
