"""Recordings become mono Ogg Opus, copied where they hold it already."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import av
import pytest

from app.conversion import sounds
from app.conversion.refusal import Refused
from tests.conversion.making import film, sound

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("container", "codec", "mime_type", "layout", "how"),
    [
        ("webm", "libopus", "audio/webm", "mono", "copied"),
        ("webm", "libopus", "video/webm", "mono", "copied"),
        ("mp4", "libopus", "audio/mp4", "mono", "copied"),
        ("ogg", "libopus", "audio/ogg", "stereo", "encoded"),
        ("mp4", "aac", "audio/mp4", "stereo", "encoded"),
        ("mp3", "libmp3lame", "audio/mpeg", "stereo", "encoded"),
        ("wav", "pcm_s16le", "audio/wav", "mono", "encoded"),
        ("flac", "flac", "audio/flac", "mono", "encoded"),
        ("adts", "aac", "audio/aac", "mono", "encoded"),
    ],
)
def test_a_voice_note_of_any_kind_becomes_mono_ogg_opus(
    tmp_path: Path, container: str, codec: str, mime_type: str, layout: str, how: str
) -> None:
    out = tmp_path / "out"

    said = sounds.convert("voice", BytesIO(sound(container, codec, layout=layout)), mime_type, str(out), 16 * MB)

    assert said == {"mime_type": "audio/ogg; codecs=opus", "size": out.stat().st_size, "how": how}
    _is_mono_opus(out)


def test_copied_packets_are_those_of_the_recording_and_as_long(tmp_path: Path) -> None:
    recording, out = sound("webm", "libopus", seconds=2.0), tmp_path / "out"

    sounds.convert("voice", BytesIO(recording), "audio/webm", str(out), 16 * MB)

    assert _packets(BytesIO(out.read_bytes())) == _packets(BytesIO(recording))
    with av.open(str(out)) as file:
        assert float(file.duration or 0) / 1_000_000 == pytest.approx(2.0, abs=0.1)


def test_aac_stays_as_it_is_for_audio_and_is_converted_for_a_voice_note(tmp_path: Path) -> None:
    recording = sound("mp4", "aac")

    assert sounds.convert("audio", BytesIO(recording), "audio/mp4", str(tmp_path / "a"), MB) == {"as_is": "audio/mp4"}
    assert sounds.convert("voice", BytesIO(recording), "audio/mp4", str(tmp_path / "b"), MB)["how"] == "encoded"


def test_opus_in_an_mp4_is_no_audio_that_meta_takes_and_is_copied_into_ogg(tmp_path: Path) -> None:
    said = sounds.convert("audio", BytesIO(sound("mp4", "libopus")), "audio/mp4", str(tmp_path / "out"), MB)

    assert said["how"] == "copied"


def test_a_voice_note_above_512_kb_is_made_small_enough_for_its_play_button(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sounds, "VOICE_BYTES", 100)
    out = tmp_path / "out"
    recording = sound("ogg", "libopus", seconds=1.0)

    said = sounds.convert("voice", BytesIO(recording), "audio/ogg", str(out), 16 * MB)

    assert said["how"] == "encoded"


def test_a_film_is_no_sound(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="send it as `video`"):
        sounds.convert("voice", BytesIO(film("webm", "libvpx")), "video/webm", str(tmp_path / "out"), MB)


@pytest.mark.parametrize("length", [0, 10, 200])
@pytest.mark.parametrize("mime_type", ["audio/webm", "audio/mp4", "audio/ogg", "audio/mpeg", "audio/x-unknown"])
def test_what_breaks_off_is_refused_or_read_as_far_as_it_goes(tmp_path: Path, mime_type: str, length: int) -> None:
    recording = sound("webm", "libopus")[:length]

    with pytest.raises(Refused):
        sounds.convert("voice", BytesIO(recording), mime_type, str(tmp_path / "out"), MB)


def test_a_sound_that_is_too_large_as_opus_is_refused_with_metas_limit(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="larger than the 0 MB that Meta takes"):
        sounds.convert("voice", BytesIO(sound("wav", "pcm_s16le")), "audio/wav", str(tmp_path / "out"), 100)


def _is_mono_opus(path: Path) -> None:
    with av.open(str(path)) as file:
        (track,) = file.streams
        assert (file.format.name, track.codec_context.name) == ("ogg", "opus")
        assert track.codec_context.channels == 1


def _packets(source: BytesIO) -> list[bytes]:
    with av.open(source) as file:
        return [bytes(packet) for packet in file.demux(file.streams.audio[0]) if packet.size]
