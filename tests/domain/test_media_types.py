"""Types by content, over real files in `media/`: made by ffmpeg, Chromium's recorder, Pillow, openpyxl and others."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from app.domain.media_types import SHOWN, UNKNOWN, MediaType, detect

FILES = Path(__file__).parent / "media"
OFFICE = "application/vnd.openxmlformats-officedocument."

REAL = {
    "voice.ogg": "audio/ogg; codecs=opus",
    "vorbis.ogg": "audio/ogg; codecs=vorbis",
    "flac.ogg": "audio/ogg; codecs=flac",
    "video.ogv": "video/ogg; codecs=theora",
    "sound.mp3": "audio/mpeg",
    "bare.mp3": "audio/mpeg",
    "sound.m4a": "audio/mp4",
    "sound_alone.mp4": "audio/mp4",
    "sound.aac": "audio/aac",
    "sound.amr": "audio/amr",
    "sound_alone.3gp": "audio/3gpp",
    "sound.wav": "audio/wav",
    "sound.flac": "audio/flac",
    "video.mp4": "video/mp4",
    "silent.mp4": "video/mp4",
    "video.3gp": "video/3gpp",
    "video.webm": "video/webm",
    "sound_alone.webm": "audio/webm",
    "recorded.webm": "audio/webm",
    "recorded.m4a": "audio/mp4",
    "recorded_video.webm": "video/webm",
    "video.mkv": "video/x-matroska",
    "video.mov": "video/quicktime",
    "video.avi": "video/x-msvideo",
    "moving.webp": "image/webp",
    "still.webp": "image/webp",
    "moving.gif": "image/gif",
    "moving.png": "image/png",
    "picture.png": "image/png",
    "picture.jpg": "image/jpeg",
    "picture.heic": "image/heic",
    "picture.avif": "image/avif",
    "picture.bmp": "image/bmp",
    "picture.tiff": "image/tiff",
    "letter.docx": f"{OFFICE}wordprocessingml.document",
    "list.xlsx": f"{OFFICE}spreadsheetml.sheet",
    "slides.pptx": f"{OFFICE}presentationml.presentation",
    "list.xls": "application/vnd.ms-excel",
}


def of(content: bytes, declared: str | None = None, filename: str | None = None) -> str:
    return detect(io.BytesIO(content), declared, filename).mime_type


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "application/epub+zip" if name == "mimetype" else b"x")
    return file.getvalue()


@pytest.mark.parametrize(("name", "mime_type"), REAL.items())
@pytest.mark.parametrize("declared", [None, "image/jpeg", "text/html"])
def test_a_real_file_is_what_it_holds_whatever_is_said_of_it(name: str, mime_type: str, declared: str | None) -> None:
    with (FILES / name).open("rb") as file:
        assert str(detect(file, declared, "picture.jpg")) == mime_type
        assert file.tell() == 0


def test_every_real_file_is_in_the_table() -> None:
    assert {path.name for path in FILES.iterdir()} == set(REAL)


@pytest.mark.parametrize(
    ("name", "codecs"),
    [
        ("recorded.m4a", "opus"), ("recorded.webm", "opus"), ("sound.m4a", "aac"), ("video.mp4", "h264"),
        ("video.3gp", "h263"), ("sound_alone.3gp", "amr"),
    ],
)  # fmt: skip
def test_the_codec_is_told_where_it_decides(name: str, codecs: str) -> None:
    with (FILES / name).open("rb") as file:
        assert detect(file).codecs == codecs


@pytest.mark.parametrize("name", ["moving.webp", "still.webp", "moving.png", "picture.png"])
def test_a_moving_picture_is_told_from_a_still_one(name: str) -> None:
    with (FILES / name).open("rb") as file:
        assert detect(file).is_animated == name.startswith("moving")


@pytest.mark.parametrize(
    ("content", "declared", "filename", "mime_type"),
    [
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ana\r\nEND:VCARD\r\n", None, "a.vcf", "text/vcard"),
        (b"\xef\xbb\xbfbegin:vcard\nfn:Ana", None, None, "text/vcard"),
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR", None, None, "text/calendar"),
        (b"name;phone\nAna;123\n", "text/csv", None, "text/csv"),
        (b"name,phone\nAna,123\n", "text/comma-separated-values", "x", "text/csv"),
        (b"name,phone\nAna,123\n", "application/octet-stream", "LIST.CSV", "text/csv"),
        ("nombre;teléfono\nÑandú;1\n".encode("cp1252"), None, "l.csv", "text/csv"),
        ("Hola, ¿qué tal?".encode(), "text/plain", None, "text/plain"),
        ("Hola ñ".encode("utf-16"), None, None, "text/plain"),
        ("ñ".encode() * 5000, None, None, "text/plain"),
        (b'{"a": 1}', "application/json", None, "application/json"),
        (b'{"a": 1}', None, None, "text/plain"),
        (b"{\\rtf1\\ansi Hola}", None, None, "application/rtf"),
        (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "image/png", None, "application/pdf"),
        (b"\xef\xbb\xbf\n%PDF-1.7\n", None, None, "application/pdf"),
        (b"", "image/jpeg", "a.jpg", UNKNOWN),
        (b"\x00\x01\x02\x03" * 99, "image/jpeg", "a.jpg", UNKNOWN),
        (zipped("a.txt"), f"{OFFICE}spreadsheetml.sheet", "a.xlsx", "application/zip"),
        (zipped("mimetype", "x"), None, None, "application/epub+zip"),
        (zipped("AndroidManifest.xml", "META-INF/MANIFEST.MF"), None, "a.apk",
         "application/vnd.android.package-archive"),
        (zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), None, None,
         "application/vnd.ms-word.document.macroEnabled.12"),
        (b"7z\xbc\xaf\x27\x1c\x00", None, None, "application/x-7z-compressed"),
        (b"SQLite format 3\x00" + bytes(84), None, None, "application/x-sqlite3"),
    ],
)  # fmt: skip
def test_a_file_that_a_shop_or_a_phone_sends(
    content: bytes, declared: str | None, filename: str | None, mime_type: str
) -> None:
    assert of(content, declared, filename) == mime_type


@pytest.mark.parametrize(
    "page",
    [
        b"<html><script>alert(1)</script>",
        b"  \r\n<!-- nothing --><!DOCTYPE html><p>",
        b"\xef\xbb\xbf<script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>",
        b"<?xml version='1.0'?><x:svg xmlns:x='http://www.w3.org/2000/svg'>",
        b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>",
        "<html><script>".encode("utf-16"),
        b"<img src=x onerror=alert(1)>",
        b"<unheard-of onclick=alert(1)>",
        b"%PDX <script>alert(1)</script>",
        b"plain text, then <script>alert(1)</script>",
        zipped("<script>.html"),
    ],
)
@pytest.mark.parametrize("declared", ["image/jpeg", "application/pdf", "video/mp4"])
def test_what_could_run_as_a_page_is_never_among_what_a_browser_may_show(page: bytes, declared: str) -> None:
    assert of(page, declared, "picture.jpg") not in SHOWN


@pytest.mark.parametrize("name", REAL)
def test_a_file_that_breaks_off_anywhere_raises_nothing(name: str) -> None:
    content = (FILES / name).read_bytes()
    for end in (1, 4, 8, 12, 13, 20, 27, 31, 40, 48, 64, 100, 200, len(content) // 2, len(content) - 1):
        detect(io.BytesIO(content[:end]))


BOXES = b"".join(struct.pack(">I4s", 8, b"free") for _ in range(100_000))


@pytest.mark.parametrize(
    "liar",
    [
        struct.pack(">I4s", 2**32 - 1, b"ftyp") + b"isom" + bytes(5000),
        b"\0\0\0\x18ftypisom" + bytes(12) + BOXES,
        b"\0\0\0\x18ftypisom" + bytes(12) + struct.pack(">I4sQ", 1, b"moov", 2**64 - 1) + BOXES,
        b"\0\0\0\x18ftypisom" + bytes(12) + struct.pack(">I4s", 2, b"moov"),
        b"\x1a\x45\xdf\xa3" + b"\x01" + b"\xff" * 7 + b"\x80" * 5000,
        b"OggS" + bytes(1) + b"\x02" + bytes(20) + b"\xff" + b"\xff" * 255,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 600,
        b"PK\x03\x04" + bytes(100) + b"PK\x05\x06" + b"\xff" * 18,
        b"PK\x03\x04" + bytes(100) + b"PK\x06\x07" + bytes(16) + b"PK\x05\x06" + b"\0" * 18,
        zipped("[Content_Types].xml", "xl/x")[:-40] + bytes(40),
    ],
    ids=range(10),
)
def test_sizes_that_lie_lead_nowhere(liar: bytes) -> None:
    class Counted(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            Counted.taken += len(found)
            return found

    detect(Counted(liar))

    assert Counted.taken < 400_000


def test_an_unknown_type_has_a_harmless_name() -> None:
    assert (MediaType("application/x-new").extension, MediaType("audio/ogg").extension) == (".bin", ".ogg")
