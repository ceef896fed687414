"""Films to MP4 with H.264 and AAC, with its index in front: copied if it is that already, else encoded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import av.video.frame

from app.conversion.containers import opened, pictures_in
from app.conversion.refusal import Refused

MP4 = "video/mp4"
ENCODED_SECONDS = 180
LONGEST_SIDE = 1280
MAX_RATE = 60
AUDIO_BIT_RATE = 96_000
_INDEX_IN_FRONT = {"movflags": "+faststart"}

Json = dict[str, Any]


def convert(source: BinaryIO, mime_type: str, path: str, most_bytes: int) -> Json:
    """Write an MP4 to `path`, or say `as_is` of one that Meta takes."""
    with opened(source, mime_type) as container:
        film = pictures_in(container)
        if not film:
            raise Refused("There are no pictures in it. Send it as `audio`.")
        if len(container.streams.audio) > 1:
            raise Refused("It has several sound tracks. Meta takes films with one, or none.")
        copies = _may_stay(container, film[0])
        if not copies:
            _encode(container, film[0], path, most_bytes)
        elif mime_type in ("video/mp4", "video/3gpp") and _index_is_in_front(source):
            return {"as_is": mime_type}
        else:
            source.seek(0)
    if copies:
        with opened(source, mime_type) as container:
            _copy(container, path)
    size = os.path.getsize(path)
    if size > most_bytes:
        raise Refused(_too_large(most_bytes))
    return {"mime_type": MP4, "size": size, "how": "copied" if copies else "encoded"}


def _may_stay(container: Any, film: Any) -> bool:
    """Return whether Meta takes the tracks as they are: H.264 and AAC.

    Android's client cannot play the High profile with B-frames (Meta: reference/media). A long film with them stays all
    the same: encoding it would take longer than it may, and other clients play it.
    """
    context = film.codec_context
    is_plain = context.name == "h264" and context.format is not None and context.format.name in ("yuv420p", "yuvj420p")
    if not is_plain or any(each.codec_context.name != "aac" for each in container.streams.audio):
        return False
    has_b_frames = str(context.profile) == "High" and bool(context.has_b_frames)
    return not has_b_frames or _seconds(container) > ENCODED_SECONDS


def _seconds(container: Any) -> float:
    return float(container.duration / av.time_base) if container.duration else 0.0


def _index_is_in_front(source: BinaryIO) -> bool:
    """Return whether the box `moov` stands before `mdat`."""
    at = 0
    size_of_file = source.seek(0, os.SEEK_END)
    while at + 8 <= size_of_file:
        source.seek(at)
        head = source.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if kind in (b"moov", b"mdat"):
            return kind == b"moov"
        size = int.from_bytes(head[8:16], "big") if size == 1 else size
        if size < 8:
            return False
        at += size
    return False


def _copy(container: Any, path: str) -> None:
    tracks = [pictures_in(container)[0], *container.streams.audio]
    with av.open(path, "w", format="mp4", options=_INDEX_IN_FRONT) as out:
        copies = {track.index: out.add_stream_from_template(track) for track in tracks}
        for packet in container.demux(tracks):
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)


def _encode(container: Any, film: Any, path: str, most_bytes: int) -> None:
    if _seconds(container) > ENCODED_SECONDS:
        raise Refused(
            f"Meta wants H.264 and AAC. It is something else, and longer than the {ENCODED_SECONDS} seconds that are"
            " converted here."
        )
    width, height = _fitted(film.codec_context.width, film.codec_context.height)
    with av.open(path, "w", format="mp4", options=_INDEX_IN_FRONT) as out:
        coder = out.add_stream(
            "libx264", rate=min(film.average_rate or 30, MAX_RATE), width=width, height=height, pix_fmt="yuv420p",
            options={"preset": "veryfast", "crf": "26", "bf": "0", "profile": "main"},
        )  # fmt: skip
        coder.codec_context.thread_count = 2
        sound = container.streams.audio[0] if container.streams.audio else None
        voice = out.add_stream("aac", rate=48_000, layout="stereo", bit_rate=AUDIO_BIT_RATE) if sound else None
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=48_000, frame_size=1024)
        written = 0
        for frame in _frames(container, [film, sound] if sound else [film]):
            if isinstance(frame, av.VideoFrame):
                frame = frame.reformat(width=width, height=height, format="yuv420p")
                frame.pict_type = av.video.frame.PictureType.NONE  # the encoder chooses its own key frames
                packets = coder.encode(frame)
            elif voice is None:
                continue
            else:
                packets = [packet for ready in resampler.resample(frame) for packet in voice.encode(ready)]
            written += sum(packet.size for packet in packets)
            out.mux(packets)
            if written > most_bytes:
                raise Refused(_too_large(most_bytes))
        out.mux(coder.encode(None))
        if voice is not None:
            out.mux([packet for ready in resampler.resample(None) for packet in voice.encode(ready)])
            out.mux(voice.encode(None))


def _frames(container: Any, tracks: list[Any]) -> Iterator[Any]:
    for packet in container.demux(tracks):
        yield from packet.decode()


def _fitted(width: int, height: int) -> tuple[int, int]:
    """Return an even size with the same shape and no side above `LONGEST_SIDE`."""
    if not width or not height:
        raise Refused("It says no size of its pictures.")
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _too_large(most_bytes: int) -> str:
    return f"As MP4 with H.264 it is larger than the {most_bytes >> 20} MB that Meta takes for films."
