"""What the simulator, like Meta, finds out about a file only after it gave a wamid."""

from __future__ import annotations

import pytest

from simulator.graph.media.contents import problem_with
from simulator.graph.media.store import StoredFile
from tests.conversion.making import moving_picture, picture, sound

OPUS = "audio/ogg; codecs=opus"
SQUARE = (512, 512)


@pytest.mark.parametrize(
    ("kind", "mime_type", "content", "said"),
    [
        ("audio", OPUS, sound("ogg", "libopus"), None),
        ("audio", "audio/ogg", sound("ogg", "libopus"), "Unsupported Audio mime type audio/ogg"),
        ("audio", OPUS, sound("ogg", "libopus", layout="stereo"), "mono"),
        ("audio", OPUS, sound("webm", "libopus"), "something else"),
        ("image", "image/jpeg", picture("JPEG"), None),
        ("image", "image/jpeg", picture("PNG"), "something else"),
        ("document", "image/jpeg", picture("JPEG"), "cannot be sent as document"),
        ("sticker", "image/webp", picture("WEBP", size=SQUARE), None),
        ("sticker", "image/webp", picture("WEBP", size=SQUARE, lossless=True), None),
        ("sticker", "image/webp", moving_picture(SQUARE), None),
        ("sticker", "image/webp", picture("WEBP"), "512x512"),
        ("sticker", "image/webp", picture("WEBP", size=SQUARE) + bytes(200_000), "too large"),
        ("document", "text/plain", b"anything", None),
    ],
)
def test_a_file_is_looked_into_after_it_was_taken(kind: str, mime_type: str, content: bytes, said: str | None) -> None:
    problem = problem_with(StoredFile("1", "2", mime_type, content, None, 0.0), kind)

    assert (problem is None) if said is None else said in str(problem)
