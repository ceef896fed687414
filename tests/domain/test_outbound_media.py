"""Which files Meta takes for which message."""

from __future__ import annotations

from io import BytesIO

import pytest

from app.domain.media_types import MediaType, detect
from app.domain.outbound_media import KB, MB, OGG_OPUS, Purpose, Verdict, allows, decide, most_bytes
from tests.conversion.making import film, moving_picture, picture, sound

OFFICE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("purpose", "mime_type", "size", "verdict"),
    [
        ("image", "image/jpeg", 5 * MB, "as_is"),
        ("image", "image/jpeg", 5 * MB + 1, "refuse"),
        ("image", "image/webp", 20 * MB, "convert"),
        ("image", "image/heic", 3 * MB, "convert"),
        ("image", "image/svg+xml", 1 * KB, "refuse"),
        ("image", "video/mp4", 1 * MB, "refuse"),
        ("image", "image/jpeg", 0, "refuse"),
        ("sticker", "image/webp", 100 * KB, "as_is"),
        ("sticker", "image/webp", 101 * KB, "convert"),
        ("sticker", "image/png", 1 * MB, "convert"),
        ("sticker", "application/pdf", 1 * KB, "refuse"),
        ("audio", "audio/mpeg", 16 * MB, "as_is"),
        ("audio", "audio/mpeg", 17 * MB, "refuse"),
        ("audio", "audio/wav", 60 * MB, "convert"),
        ("audio", "audio/wav", 101 * MB, "refuse"),
        ("voice", "audio/mpeg", 1 * MB, "convert"),
        ("voice", "audio/webm", 1 * MB, "convert"),
        ("video", "video/3gpp", 16 * MB, "as_is"),
        ("video", "video/quicktime", 30 * MB, "convert"),
        ("video", "video/x-msvideo", 1 * MB, "refuse"),
        ("document", "application/pdf", 100 * MB, "as_is"),
        ("document", "application/pdf", 100 * MB + 1, "refuse"),
        ("document", OFFICE, 1 * MB, "as_is"),
        ("document", "text/csv", 1 * MB, "as_is"),
        ("document", "application/zip", 1 * MB, "refuse"),
        ("document", "text/html", 1 * KB, "refuse"),
    ],
)
def test_type_and_size_decide_what_can_be_sent(purpose: str, mime_type: str, size: int, verdict: str) -> None:
    assert allows(Purpose(purpose), MediaType(mime_type), size).verdict == verdict


def test_a_refusal_says_what_meta_wants_and_what_was_found() -> None:
    said = allows(Purpose.VIDEO, MediaType("video/x-msvideo"), 3 * MB)

    assert said.reason == (
        "Meta takes as video: MP4 or 3GP (H.264 and AAC), up to 16 MB. This file is video/x-msvideo, 3.0 MB."
    )


def test_a_picture_that_is_too_large_is_converted_if_it_may_be_made_smaller() -> None:
    assert allows(Purpose.IMAGE, MediaType("image/jpeg"), 9 * MB, shrinks=True).verdict is Verdict.CONVERT


def test_other_texts_are_given_to_meta_as_plain_text() -> None:
    assert allows(Purpose.DOCUMENT, MediaType("text/vcard"), 5 * KB).mime_type == "text/plain"


@pytest.mark.parametrize(
    ("purpose", "content", "verdict", "told"),
    [
        ("voice", sound("ogg", "libopus"), "as_is", OGG_OPUS),
        ("audio", sound("ogg", "libopus"), "as_is", OGG_OPUS),
        ("audio", sound("ogg", "libopus", layout="stereo"), "convert", ""),
        ("audio", sound("mp4", "aac"), "as_is", "audio/mp4"),
        ("audio", sound("mp4", "libopus"), "convert", ""),
        ("voice", sound("webm", "libopus"), "convert", ""),
        ("image", picture("JPEG"), "as_is", "image/jpeg"),
        ("image", picture("JPEG", "L"), "as_is", "image/jpeg"),
        ("image", picture("JPEG", "CMYK"), "convert", ""),
        ("image", picture("PNG", "RGBA"), "as_is", "image/png"),
        ("image", picture("PNG", "P"), "convert", ""),
        ("image", picture("PNG", "I;16"), "convert", ""),
        ("sticker", picture("WEBP", "RGB", (512, 512)), "as_is", "image/webp"),
        ("sticker", picture("WEBP", "RGBA", (512, 512)), "as_is", "image/webp"),
        ("sticker", picture("WEBP", "RGB", (512, 512), lossless=True), "as_is", "image/webp"),
        ("sticker", moving_picture((512, 512)), "as_is", "image/webp"),
        ("sticker", moving_picture(), "refuse", ""),
        ("sticker", picture("WEBP"), "convert", ""),
        ("video", film("mp4", "libx264"), "convert", ""),
    ],
)
def test_the_header_decides_whether_a_file_must_be_converted(
    purpose: str, content: bytes, verdict: str, told: str
) -> None:
    file = BytesIO(content)

    decision = decide(Purpose(purpose), detect(file), file, len(content))

    assert (decision.verdict, decision.mime_type) == (verdict, told)
    assert file.tell() == 0


@pytest.mark.parametrize("length", [3, 20, 30, 60])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_file_that_breaks_off_in_its_header_raises_nothing(purpose: Purpose, length: int) -> None:
    for content in (picture("JPEG"), picture("PNG"), picture("WEBP"), sound("ogg", "libopus")):
        file = BytesIO(content[:length])
        decide(purpose, detect(file), file, length)


def test_metas_limits_are_known_by_purpose() -> None:
    assert {purpose: most_bytes(purpose) // KB for purpose in Purpose} == {
        "image": 5120, "sticker": 100, "video": 16384, "audio": 16384, "voice": 16384, "document": 102400,
    }  # fmt: skip
