"""Pictures become JPEG, PNG or a sticker."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app.conversion import pictures
from app.conversion.refusal import Refused
from tests.conversion.making import moving_picture, picture

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("kind", "mode", "becomes"),
    [
        ("WEBP", "RGB", "image/jpeg"),
        ("WEBP", "RGBA", "image/png"),
        ("GIF", "P", "image/jpeg"),
        ("BMP", "RGB", "image/jpeg"),
        ("TIFF", "RGB", "image/jpeg"),
        ("AVIF", "RGB", "image/jpeg"),
        ("HEIF", "RGB", "image/jpeg"),
        ("JPEG", "CMYK", "image/jpeg"),
        ("PNG", "I;16", "image/jpeg"),
        ("PNG", "P", "image/jpeg"),
        ("PNG", "1", "image/jpeg"),
    ],
)
def test_a_picture_of_any_kind_becomes_jpeg_or_png(tmp_path: Path, kind: str, mode: str, becomes: str) -> None:
    out = tmp_path / "out"

    said = pictures.convert("image", BytesIO(picture(kind, mode)), str(out), 5 * MB, shrink=False)

    assert said == {"mime_type": becomes, "size": out.stat().st_size, "how": "encoded"}
    with Image.open(out) as made:
        assert made.size == (40, 20)
        assert made.mode == ("RGBA" if becomes == "image/png" else "RGB")


def test_a_grey_picture_of_16_bits_keeps_its_brightness(tmp_path: Path) -> None:
    source, out = BytesIO(), tmp_path / "out"
    Image.new("I;16", (20, 20), 32768).save(source, "PNG")

    pictures.convert("image", source, str(out), 5 * MB, shrink=False)

    with Image.open(out) as made:
        assert made.convert("L").getpixel((10, 10)) == pytest.approx(127, abs=3)


def test_what_exif_says_of_the_rotation_is_carried_out(tmp_path: Path) -> None:
    exif, out = Image.Exif(), tmp_path / "out"
    exif[0x112] = 6

    pictures.convert("image", BytesIO(picture("WEBP", exif=exif)), str(out), 5 * MB, shrink=False)

    with Image.open(out) as made:
        assert made.size == (20, 40)
        assert 0x112 not in made.getexif()


def test_a_sticker_is_the_whole_picture_in_a_square_of_512(tmp_path: Path) -> None:
    out = tmp_path / "out"

    said = pictures.convert("sticker", BytesIO(picture("JPEG")), str(out), 100 * 1024, shrink=False)

    assert said["mime_type"] == "image/webp"
    assert said["size"] <= 100 * 1024
    with Image.open(out) as made:
        rgba = made.convert("RGBA")
        assert (made.format, made.size) == ("WEBP", (512, 512))
        assert rgba.getpixel((256, 10)) == (0, 0, 0, 0)
        assert rgba.getpixel((256, 256))[3] == 255


def test_a_moving_picture_of_the_wrong_size_is_no_sticker(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="512 × 512"):
        pictures.convert("sticker", BytesIO(moving_picture()), str(tmp_path / "out"), 500 * 1024, shrink=False)


def test_a_picture_that_is_too_large_is_made_smaller_only_if_that_is_asked_for(tmp_path: Path) -> None:
    source = BytesIO()
    Image.effect_noise((2000, 1500), 80).save(source, "PNG")

    with pytest.raises(Refused, match="MEDIA_SHRINK_IMAGES=on"):
        pictures.convert("image", source, str(tmp_path / "out"), 500_000, shrink=False)
    said = pictures.convert("image", source, str(tmp_path / "out"), 500_000, shrink=True)

    assert said["size"] <= 500_000


def test_a_pixel_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1_000_000))), (b"IEND", b"")]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )

    with pytest.raises(Refused, match="million pixels"):
        pictures.convert("image", BytesIO(bomb), str(tmp_path / "out"), 5 * MB, shrink=False)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg onload='x'/>", picture("WEBP")[:40], picture("TIFF")[:60]])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Refused):
        pictures.convert("image", BytesIO(content), str(tmp_path / "out"), 5 * MB, shrink=False)
