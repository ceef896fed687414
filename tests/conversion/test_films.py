"""Films become MP4 with H.264 and AAC, with the index in front."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import av
import pytest

from app.conversion import films
from app.conversion.refusal import Refused
from tests.conversion.making import film, sound

MB = 1024 * 1024
PLAIN = {"bf": "0", "profile": "main"}


def test_h264_with_its_index_at_the_end_is_copied_to_an_mp4_with_the_index_in_front(tmp_path: Path) -> None:
    out = tmp_path / "out"

    said = films.convert(BytesIO(film("mp4", "libx264", "aac", **PLAIN)), "video/mp4", str(out), 16 * MB)

    assert said == {"mime_type": "video/mp4", "size": out.stat().st_size, "how": "copied"}
    content = out.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert films.convert(BytesIO(content), "video/mp4", str(tmp_path / "again"), 16 * MB) == {"as_is": "video/mp4"}


@pytest.mark.parametrize(
    ("container", "codec", "audio", "mime_type", "how"),
    [
        ("mov", "libx264", "aac", "video/quicktime", "copied"),
        ("matroska", "libx264", None, "video/x-matroska", "copied"),
        ("webm", "libvpx", "libopus", "video/webm", "encoded"),
        ("mp4", "libx265", "aac", "video/mp4", "encoded"),
        ("mp4", "libx264", "libopus", "video/mp4", "encoded"),
    ],
)
def test_a_film_of_any_kind_becomes_h264_and_aac(
    tmp_path: Path, container: str, codec: str, audio: str | None, mime_type: str, how: str
) -> None:
    options = PLAIN if codec == "libx264" else {}
    out = tmp_path / "out"

    said = films.convert(BytesIO(film(container, codec, audio, **options)), mime_type, str(out), 16 * MB)

    assert said["how"] == how
    with av.open(str(out)) as made:
        assert made.streams.video[0].codec_context.name == "h264"
        assert [each.codec_context.name for each in made.streams.audio] == (["aac"] if audio else [])


def test_b_frames_in_the_high_profile_are_encoded_away(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = film("mp4", "libx264", bf="2", profile="high", preset="medium")

    assert films.convert(BytesIO(source), "video/mp4", str(out), 16 * MB)["how"] == "encoded"
    with av.open(str(out)) as made:
        assert not made.streams.video[0].codec_context.has_b_frames


def test_a_sound_is_no_film_and_what_is_damaged_is_refused(tmp_path: Path) -> None:
    for content in (sound("mp4", "aac"), b"", b"\0\0\0\x18ftypmp42" + bytes(100)):
        with pytest.raises(Refused):
            films.convert(BytesIO(content), "video/mp4", str(tmp_path / "out"), 16 * MB)


def test_a_film_that_is_too_large_is_refused_with_metas_limit(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="larger than the 0 MB"):
        films.convert(BytesIO(film("webm", "libvpx")), "video/webm", str(tmp_path / "out"), 100)
