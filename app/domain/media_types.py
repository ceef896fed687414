"""The type of a file by its content: names and headers are the sender's, and may say anything.

`detect` is right for the files of messengers. Common sniffers are not: a recording of sound alone is `video/webm` or
`video/mp4` to libmagic 5.44, filetype 1.2 and puremagic 1.30, HEIC is a video, a vCard a calendar, and none tells which
codec an Ogg file holds, which decides whether Meta accepts it. So containers are looked into (`media_containers`), and
the sniffer `puremagic` names only what is left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO

from app.domain import media_containers as containers

HEAD_BYTES = 8192
"""Bytes from the beginning of a file that are looked at first."""

UNKNOWN = "application/octet-stream"
_OFFICE = "application/vnd.openxmlformats-officedocument."


@dataclass(frozen=True, slots=True)
class MediaType:
    """What a file is. `codecs` is set for sound and video if known, as `opus`; `is_animated` for pictures that move."""

    mime_type: str
    codecs: str | None = None
    is_animated: bool = False

    def __str__(self) -> str:
        """Return the value of a `Content-Type` header. Meta wants to be told the codec of Ogg, and only of Ogg."""
        is_ogg = self.mime_type.endswith("/ogg") and self.codecs
        return f"{self.mime_type}; codecs={self.codecs}" if is_ogg else self.mime_type

    @property
    def family(self) -> str:
        """Return `image`, `audio`, `video`, `text` or `application`."""
        return self.mime_type.partition("/")[0]

    @property
    def extension(self) -> str:
        """Return the usual ending of file names, with its dot; `.bin` for an unknown type."""
        return EXTENSIONS.get(self.mime_type, ".bin")


EXTENSIONS = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/heic": ".heic",
    "image/heif": ".heif", "image/avif": ".avif", "image/bmp": ".bmp", "image/tiff": ".tiff",
    "image/svg+xml": ".svg",
    "audio/aac": ".aac", "audio/amr": ".amr", "audio/amr-wb": ".awb", "audio/mpeg": ".mp3", "audio/mp4": ".m4a",
    "audio/ogg": ".ogg", "audio/webm": ".weba", "audio/wav": ".wav", "audio/flac": ".flac", "audio/3gpp": ".3gp",
    "audio/x-matroska": ".mka", "video/mp4": ".mp4", "video/3gpp": ".3gp", "video/3gpp2": ".3g2",
    "video/webm": ".webm",
    "video/ogg": ".ogv", "video/quicktime": ".mov", "video/x-matroska": ".mkv", "video/x-msvideo": ".avi",
    "application/pdf": ".pdf", "application/msword": ".doc", "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt", "application/vnd.ms-outlook": ".msg", "application/rtf": ".rtf",
    f"{_OFFICE}wordprocessingml.document": ".docx", f"{_OFFICE}spreadsheetml.sheet": ".xlsx",
    f"{_OFFICE}presentationml.presentation": ".pptx", "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods", "application/epub+zip": ".epub",
    "application/zip": ".zip",
    "application/vnd.android.package-archive": ".apk", "application/java-archive": ".jar", "application/gzip": ".gz",
    "application/x-7z-compressed": ".7z", "application/vnd.rar": ".rar", "application/json": ".json",
    "application/xml": ".xml", "text/plain": ".txt", "text/csv": ".csv", "text/vcard": ".vcf", "text/calendar": ".ics",
    "text/html": ".html",
}  # fmt: skip

SHOWN = frozenset(
    {
        "image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "audio/aac", "audio/amr",
        "audio/mpeg", "audio/mp4", "audio/ogg", "audio/webm", "audio/wav", "audio/flac", "audio/3gpp", "video/mp4",
        "video/3gpp", "video/webm", "video/ogg", "video/quicktime", "application/pdf",
    }
)  # fmt: skip
"""Types that a browser may show by itself: none can hold a script that runs as a page. All others are downloads."""

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"#!AMR-WB\n", "audio/amr-wb"),
    (b"#!AMR\n", "audio/amr"),
    (b"fLaC", "audio/flac"),
    (b"ADIF", "audio/aac"),
    (b"{\\rtf", "application/rtf"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x1f\x8b\x08", "application/gzip"),
)
_PDF = re.compile(rb"\A(?:\xef\xbb\xbf)?\s{0,16}%PDF-[0-9]")
_HTML = re.compile(
    r"\A\s*(?:<!--.*?-->\s*|<\?xml[^>]{0,200}\?>\s*)*<(?:!doctype\s+html|html[\s/>])",
    re.IGNORECASE | re.DOTALL,
)
_SVG = re.compile(r"<(?:\w+:)?svg[\s>]", re.IGNORECASE)
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CSV_TYPES = frozenset({"text/csv", "text/comma-separated-values", "application/csv", "text/x-csv"})
_NO_EVIDENCE = frozenset({"text/plain", "text/html", UNKNOWN, ""})
_SNIFFER_SURENESS = 0.8


def detect(file: IO[bytes], declared: str | None = None, filename: str | None = None) -> MediaType:
    """Return the type of a file that can be sought; it is left at its beginning.

    `declared` and `filename` decide only between kinds of text (a list from a shop is CSV by its name alone) and
    between the old Office formats; they never make a picture of something that is none. Bounded in time and memory for
    any content: nothing is decompressed or decoded.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    try:
        found = _of_container(file, head) or _of_start(head)
    finally:
        file.seek(0)
    if found is None:
        found = _of_text(head, _bare(declared), (filename or "").lower()) or _of_sniffer(head)
    if found.mime_type == containers.OLE and _bare(declared) in containers.OLE_TYPES:
        return MediaType(_bare(declared))
    return found


def _bare(declared: str | None) -> str:
    return (declared or "").partition(";")[0].strip().lower()


def _of_container(file: IO[bytes], head: bytes) -> MediaType | None:
    """Return the type of a file whose beginning names only the container."""
    if head[4:8] == b"ftyp":
        return MediaType(*containers.of_mp4(file))
    if head.startswith(b"OggS"):
        return MediaType(*containers.of_ogg(head))
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return MediaType(*containers.of_matroska(head))
    if head.startswith(b"RIFF"):
        return _of_riff(head)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return MediaType(containers.of_zip(file, head))
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return MediaType(containers.of_ole(file, head))
    return None


def _of_riff(head: bytes) -> MediaType | None:
    form = head[8:12]
    if form == b"WEBP":
        has_flags = head[12:16] == b"VP8X" and len(head) > 20
        return MediaType("image/webp", is_animated=has_flags and bool(head[20] & 2))
    known = {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
    return MediaType(known[form]) if form in known else None


def _of_start(head: bytes) -> MediaType | None:
    for start, mime_type in _STARTS:
        if head.startswith(start):
            animated = mime_type == "image/png" and b"acTL" in head[:4096].partition(b"IDAT")[0]
            return MediaType(mime_type, is_animated=animated)
    if _PDF.match(head):
        return MediaType("application/pdf")
    if head.startswith(b"BM") and len(head) > 26 and head[6:10] == b"\0\0\0\0":
        return MediaType("image/bmp")
    return _of_frames(head)


def _of_frames(head: bytes) -> MediaType | None:
    """Return the type of sound that begins with a tag, or with a frame of AAC or MP3."""
    if head.startswith(b"ID3"):
        return MediaType("audio/mpeg", "mp3")
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        is_next = head[length : length + 2][:1] in (b"\xff", b"") and length >= 7
        return MediaType("audio/aac", "aac") if is_next else None
    layer, rate, bits = head[1] >> 1 & 3, head[2] >> 2 & 3, head[2] >> 4
    if layer not in (1, 2) or head[1] >> 3 & 3 == 1 or rate == 3 or bits in (0, 15):  # UTF-16's mark is like layer I
        return None
    return MediaType("audio/mpeg", "mp3")


def _of_text(head: bytes, declared: str, filename: str) -> MediaType | None:
    """Return the kind of text, or None for what is no text."""
    text = _decoded(head)
    if text is None or not text:
        return None
    start = text.lstrip("\ufeff \t\r\n\f")
    for word, mime_type in (("BEGIN:VCARD", "text/vcard"), ("BEGIN:VCALENDAR", "text/calendar")):
        if start[: len(word)].upper() == word:
            return MediaType(mime_type)
    if start.startswith("<"):
        return MediaType(_of_markup(start))
    if declared in _CSV_TYPES or filename.endswith(".csv"):
        return MediaType("text/csv")
    if start[:1] in ("{", "[") and (declared == "application/json" or filename.endswith(".json")):
        return MediaType("application/json")
    return MediaType("text/plain")


def _of_markup(start: str) -> str:
    if _SVG.search(start[:4096]):
        return "image/svg+xml"
    if _HTML.match(start[:4096]):
        return "text/html"
    return "application/xml" if start.startswith("<?xml") else "text/html"


def _decoded(head: bytes) -> str | None:
    """Return the beginning of a text in UTF-8, UTF-16 with a mark, or a one-byte encoding; None for other bytes."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head[: len(head) // 2 * 2].decode("utf-16", "replace")
        return None if _NOT_TEXT.search(text) or "\ufffd" in text[:-1] else text
    for encoding in ("utf-8", "cp1252"):
        try:
            # The last character may be cut.
            text = head.decode(encoding) if len(head) < HEAD_BYTES else head[:-3].decode(encoding, "strict")
        except UnicodeDecodeError as error:
            if encoding != "utf-8" or error.start < len(head) - 8:
                continue
            text = head[: error.start].decode(encoding)
        return None if _NOT_TEXT.search(text) else text
    return None


def _of_sniffer(head: bytes) -> MediaType:
    """Return what `puremagic` is sure of. It is imported here, because few files need it."""
    import puremagic

    try:
        guesses = puremagic.magic_string(head) if head else []
    except (puremagic.PureError, ValueError):
        guesses = []
    for guess in guesses:
        if guess.confidence >= _SNIFFER_SURENESS and guess.mime_type not in _NO_EVIDENCE | SHOWN:
            return MediaType(guess.mime_type)
    return MediaType(UNKNOWN)
