"""The first picture of a film: of what phones and browsers record, and of what is made to do harm."""

from __future__ import annotations

import os
import random
import struct
import tempfile
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import pytest
from PIL import Image

from app.conversion.process import Order, converted
from app.conversion.refusal import Refused
from tests.conversion.making import film, picture

FILES = Path(__file__).parents[1] / "domain" / "media"
TURNED_CLOCKWISE = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)


def first_frame(content: bytes, mime_type: str, seconds: int = 20) -> Image.Image:
    """The small picture, made in a process of its own as a worker does."""
    with tempfile.TemporaryFile(buffering=0) as source:
        source.write(content)
        source.seek(0)
        with converted(Order("thumbnail", mime_type, 256 * 1024), source, seconds=seconds) as made:
            assert made.path is not None and made.mime_type == "image/jpeg" and made.size < 256 * 1024
            return Image.open(BytesIO(Path(made.path).read_bytes()))


def striped(*, width: int = 640, height: int = 320, aspect: int = 1) -> bytes:
    """An MP4 whose upper half is white and whose lower half is black."""
    out = BytesIO()
    with av.open(out, "w", format="mp4") as file:
        track = file.add_stream("libx264", rate=10, width=width, height=height, pix_fmt="yuv420p")
        track.codec_context.sample_aspect_ratio = Fraction(aspect)
        frame = av.VideoFrame(width, height, "yuv420p")
        light, *colours = frame.planes
        half = light.line_size * height // 2
        light.update(b"\xeb" * half + b"\x10" * (light.buffer_size - half))
        for plane in colours:
            plane.update(b"\x80" * plane.buffer_size)
        frame.pts, frame.time_base = 0, Fraction(1, 10)
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return out.getvalue()


def turned(content: bytes) -> bytes:
    """The same film of a phone that was held upright: its header says that players turn it by a quarter."""
    at = content.index(b"tkhd") + 4 + 40
    return content[:at] + TURNED_CLOCKWISE + content[at + 36 :]


def light_at(shown: Image.Image, x: float, y: float) -> int:
    return int(shown.convert("L").getpixel((int(x * shown.width), int(y * shown.height))))  # type: ignore[arg-type]


def test_it_is_as_players_show_it() -> None:
    plain = first_frame(striped(), "video/mp4")
    upright = first_frame(turned(striped()), "video/mp4")
    wide = first_frame(striped(width=320, aspect=2), "video/mp4")

    assert plain.size == (480, 240) and light_at(plain, 0.5, 0.2) > 200 > 50 > light_at(plain, 0.5, 0.8)
    assert upright.size == (240, 480) and light_at(upright, 0.8, 0.5) > 200 > 50 > light_at(upright, 0.2, 0.5)
    assert wide.size == (480, 240)


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [("recorded_video.webm", "video/webm"), ("video.3gp", "video/3gpp"), ("video.mkv", "video/x-matroska")],
)
def test_films_of_many_kinds_have_one(name: str, mime_type: str) -> None:
    assert max(first_frame((FILES / name).read_bytes(), mime_type).size) >= 24


def bomb() -> bytes:
    """A film of 64 × 64 points by its container, whose one picture says 60,000 × 60,000."""
    jpeg = bytearray(picture("JPEG", size=(64, 64)))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 60_000, 60_000)
    out = BytesIO()
    with av.open(out, "w", format="matroska") as file:
        track = file.add_stream("mjpeg", rate=10, width=64, height=64, pix_fmt="yuvj420p")
        packet = av.Packet(bytes(jpeg))
        packet.stream, packet.pts, packet.dts, packet.time_base = track, 0, 0, Fraction(1, 10)
        file.mux(packet)
    return out.getvalue()


def damaged(content: bytes, seed: int) -> bytes:
    chance, found = random.Random(seed), bytearray(content)
    for _ in range(40):
        found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def playlist() -> bytes:
    return b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXTINF:1,\nhttp://169.254.169.254/latest/meta-data/\n"


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (bomb(), "video/x-matroska"),
        (film("mp4", "libx264")[:700], "video/mp4"),
        (playlist(), "video/mp4"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "video/webm"),
        (os.urandom(200_000), "video/quicktime"),
        ((FILES / "sound.m4a").read_bytes(), "video/mp4"),
        (b"\x00\x00\x00\x08moov" * 100_000, "video/mp4"),
        ((FILES / "video.avi").read_bytes(), "video/x-msvideo"),
    ],
    ids=["bomb", "cut", "playlist", "concat", "noise", "sound alone", "boxes", "no demuxer"],
)
def test_what_has_none_is_refused_and_does_no_harm(content: bytes, mime_type: str) -> None:
    with pytest.raises(Refused):
        first_frame(content, mime_type)


def test_a_damaged_film_gives_a_picture_or_is_refused() -> None:
    for seed, (container, codec) in enumerate((("mp4", "libx264"), ("webm", "libvpx"), ("matroska", "mjpeg"))):
        mime_type = {"mp4": "video/mp4", "webm": "video/webm", "matroska": "video/x-matroska"}[container]
        made = film(container, codec) if codec != "mjpeg" else (FILES / "video.mkv").read_bytes()
        try:
            assert max(first_frame(damaged(made, seed), mime_type).size) <= 480
        except Refused:
            continue
