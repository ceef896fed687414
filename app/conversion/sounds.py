"""Recordings to mono Ogg Opus, the only Opus that Meta takes: the packets are copied if they are that already."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import Any, BinaryIO

import av

from app.conversion.containers import opened, pictures_in
from app.conversion.refusal import Refused

OGG_OPUS = "audio/ogg; codecs=opus"
RATE = 48_000
BIT_RATE = 24_000
LOWEST_BIT_RATE = 12_000
FRAME = 960
VOICE_BYTES = 512 * 1024
"""Up to this size a voice note has its play button at once (Meta: reference/messages/audio)."""

_SAMPLE = Fraction(1, RATE)
Json = dict[str, Any]


def convert(target: str, source: BinaryIO, mime_type: str, path: str, most_bytes: int) -> Json:
    """Write Ogg Opus to `path`, or say `as_is`. `target` is `voice`, or `audio`, for which AAC may stay as it is."""
    with opened(source, mime_type) as container:
        track = _sound_of(container)
        seconds = _seconds(container, track)
        if target == "audio" and track.codec_context.name == "aac":
            return {"as_is": "audio/mp4"}
        is_ready = track.codec_context.name == "opus" and track.codec_context.channels == 1
        if is_ready:
            _copy(container, track, path)
    size = os.path.getsize(path) if is_ready else 0
    if is_ready and (target != "voice" or size <= VOICE_BYTES or seconds is None):
        return _result(path, "copied", most_bytes)
    source.seek(0)
    with opened(source, mime_type) as container:
        _encode(container, _sound_of(container), path, _bit_rate(seconds), most_bytes)
    return _result(path, "encoded", most_bytes)


def _sound_of(container: Any) -> Any:
    if pictures_in(container):
        raise Refused("It is a film. Meta wants sound alone here; send it as `video`.")
    if not container.streams.audio:
        raise Refused("There is no sound in it.")
    return container.streams.audio[0]


def _seconds(container: Any, track: Any) -> float | None:
    """Return how long a recording is; None where the browser that recorded it did not say."""
    if container.duration:
        return float(container.duration / av.time_base)
    return float(track.duration * track.time_base) if track.duration else None


def _bit_rate(seconds: float | None) -> int:
    """Return the bit rate at which a voice note stays below `VOICE_BYTES`, if one that can be understood does."""
    fits = int(VOICE_BYTES * 8 * 0.9 / seconds) if seconds else BIT_RATE
    return BIT_RATE if fits < LOWEST_BIT_RATE else min(BIT_RATE, fits)


def _copy(container: Any, track: Any, path: str) -> None:
    """Copy Opus packets into an Ogg file. Their times are counted anew: WebM rounds them to milliseconds."""
    with av.open(path, "w", format="ogg") as out:
        copy = out.add_stream_from_template(track)
        at = 0
        for packet in container.demux(track):
            if not packet.size:
                continue
            length = _samples(bytes(packet)[:2])
            packet.stream, packet.time_base = copy, _SAMPLE
            packet.pts = packet.dts = at
            packet.duration = length
            at += length
            out.mux(packet)


def _samples(head: bytes) -> int:
    """Return how many samples an Opus packet holds, by its first bytes (RFC 6716, 3.1 and 3.2)."""
    config, code = head[0] >> 3, head[0] & 3
    if config < 12:
        tenths = (100, 200, 400, 600)[config & 3]
    elif config < 16:
        tenths = (100, 200)[config & 1]
    else:
        tenths = (25, 50, 100, 200)[config & 3]
    frames = 1 if code == 0 else 2 if code < 3 else (head[1] & 63 if len(head) > 1 else 1)
    return tenths * frames * RATE // 10_000


def _encode(container: Any, track: Any, path: str, bit_rate: int, most_bytes: int) -> None:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE, frame_size=FRAME)
    with av.open(path, "w", format="ogg") as out:
        coder = out.add_stream("libopus", rate=RATE, layout="mono", bit_rate=bit_rate, options={"application": "voip"})
        written = 0
        for frame in _frames(container, track):
            for ready in resampler.resample(frame):
                for packet in coder.encode(ready):
                    written += packet.size
                    out.mux(packet)
            if written > most_bytes:
                raise Refused(_too_large(most_bytes))
        for packet in coder.encode(None):
            out.mux(packet)


def _frames(container: Any, track: Any) -> Any:
    """Yield the frames of a track, then None, which empties the resampler."""
    for frame in container.decode(track):
        frame.pts = None  # counted by the encoder: a recording that was paused, or live, begins anywhere
        yield frame
    yield None


def _result(path: str, how: str, most_bytes: int) -> Json:
    size = os.path.getsize(path)
    if size > most_bytes:
        raise Refused(_too_large(most_bytes))
    return {"mime_type": OGG_OPUS, "size": size, "how": how}


def _too_large(most_bytes: int) -> str:
    return f"As Ogg Opus it is larger than the {most_bytes >> 20} MB that Meta takes for sound."
