"""Small files of many types, made with the libraries that convert them."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from typing import Any

import av
from PIL import Image

RATE = 48_000


def sound(container: str, codec: str, *, layout: str = "mono", seconds: float = 0.5, rate: int = RATE) -> bytes:
    """A tone that is no tone: silence does, and needs no numpy."""
    out = BytesIO()
    with av.open(out, "w", format=container) as file:
        track = file.add_stream(codec, rate=rate, layout=layout)
        _fill(file, track, layout, seconds, rate)
    return out.getvalue()


def _fill(file: Any, track: Any, layout: str, seconds: float, rate: int) -> None:
    size = track.codec_context.frame_size or 1024
    resampler = av.AudioResampler(format=track.codec_context.format.name, layout=layout, rate=rate, frame_size=size)
    for number in range(max(1, int(seconds * rate / size))):
        frame = av.AudioFrame(format="s16", layout="mono", samples=size)
        frame.sample_rate, frame.pts, frame.time_base = rate, number * size, Fraction(1, rate)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for ready in resampler.resample(frame):
            file.mux(track.encode(ready))
    for ready in resampler.resample(None):
        file.mux(track.encode(ready))
    file.mux(track.encode(None))


def film(container: str, codec: str, audio: str | None = None, *, size: int = 64, **options: str) -> bytes:
    """A second of grey pictures, with silence if `audio` names a codec."""
    out = BytesIO()
    with av.open(out, "w", format=container) as file:
        track = file.add_stream(codec, rate=10, width=size, height=size, pix_fmt="yuv420p", options=options)
        heard = file.add_stream(audio, rate=RATE, layout="mono") if audio else None
        for number in range(10):
            frame = av.VideoFrame(size, size, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number * 10]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            file.mux(track.encode(frame))
        file.mux(track.encode(None))
        if heard is not None:
            _fill(file, heard, "mono", 0.2, RATE)
    return out.getvalue()


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    """A picture of one colour."""
    out = BytesIO()
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    colour: Any = {"RGBA": (200, 10, 10, 100), "RGB": (200, 10, 10), "CMYK": (0, 200, 200, 10)}.get(mode, 100)
    Image.new(mode, size, colour).save(out, kind, **options)
    return out.getvalue()


def moving_picture(size: tuple[int, int] = (40, 20)) -> bytes:
    """An animated WebP of two frames."""
    out = BytesIO()
    frames = [Image.new("RGB", size, colour) for colour in ("red", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    return out.getvalue()
