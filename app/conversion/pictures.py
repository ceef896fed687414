"""Pictures to JPEG, PNG or WebP, as Meta takes them."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from app.conversion.refusal import Refused

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
MAX_PIXELS = 50_000_000
"""More are refused before a pixel is decoded: 200 MB of memory, and twice what a good phone takes."""

ANIMATED = "Meta wants an animated sticker as WebP of 512 × 512 pixels and at most 500 KB, and this is another."
STICKER = (512, 512)
THUMBNAIL = (480, 480)
STICKER_BYTES = 100 * 1024
QUALITIES = (90, 80, 65)
STICKER_QUALITIES = (90, 75, 60, 45, 30, 15)
SHRUNK = (4096, 3072, 2048, 1600, 1024)
"""Longest sides that are tried, in pixels, one after the other, for a picture that may be made smaller."""

Json = dict[str, Any]


def convert(target: str, source: BinaryIO, path: str, most_bytes: int, *, shrink: bool) -> Json:
    """Write the picture to `path`; return its new type. `target` is `image`, `sticker` or `thumbnail`."""
    picture = _open(source, may_move=target != "sticker")
    if target == "thumbnail":
        return write_thumbnail(path, picture)
    if target == "sticker":
        return _write(path, "image/webp", _sticker(picture))
    return _write(path, *_picture(picture, most_bytes, shrink=shrink))


def write_thumbnail(path: str, picture: Any) -> Json:
    """Write a small JPEG of a picture to `path`; return its type."""
    return _write(path, "image/jpeg", _thumbnail(picture))


def _open(source: BinaryIO, *, may_move: bool) -> Any:
    """Return the picture, turned as it is to be seen. Of one that moves, the first frame."""
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged tags, which nobody reads here
            picture = Image.open(source, formats=FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            if not may_move and getattr(picture, "n_frames", 1) > 1:
                raise Refused(ANIMATED)
            return ImageOps.exif_transpose(picture)  # what is written below says nothing of a rotation
    except Image.DecompressionBombError:
        raise Refused(f"It has more than {MAX_PIXELS // 1_000_000} million pixels.") from None
    except UnidentifiedImageError:
        raise Refused("It is no picture that can be read.") from None
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError) as error:
        raise Refused("The picture is damaged.") from error


def _picture(picture: Any, most_bytes: int, *, shrink: bool) -> tuple[str, bytes]:
    """Return a PNG of a picture that one can see through, or else a JPEG, with the best quality that is small enough.
    """
    if _is_transparent(picture):
        content = _encoded(picture.convert("RGBA"), "PNG", optimize=True)
        if len(content) <= most_bytes:
            return "image/png", content
    profile = picture.info.get("icc_profile") if picture.mode in ("RGB", "RGBA") else None
    plain = _flat(picture)
    for quality in QUALITIES:
        content = _encoded(plain, "JPEG", quality=quality, icc_profile=profile)
        if len(content) <= most_bytes:
            return "image/jpeg", content
    for side in SHRUNK if shrink else ():
        plain.thumbnail((side, side))
        content = _encoded(plain, "JPEG", quality=QUALITIES[1], icc_profile=profile)
        if len(content) <= most_bytes:
            return "image/jpeg", content
    raise Refused(
        f"Meta takes pictures up to {most_bytes >> 20} MB, and as JPEG it is larger. Send a smaller one, send it as"
        " `document`, or set MEDIA_SHRINK_IMAGES=on to have it made smaller here."
    )


def _thumbnail(picture: Any) -> bytes:
    """Return a small JPEG of the picture, without what its tags say."""
    plain = _flat(picture)
    plain.thumbnail(THUMBNAIL)
    return _encoded(plain, "JPEG", quality=80)


def _sticker(picture: Any) -> bytes:
    """Return the picture as a sticker: whole, in the middle of a transparent square."""
    fitted = ImageOps.contain(picture.convert("RGBA"), STICKER)
    square = Image.new("RGBA", STICKER, (0, 0, 0, 0))
    square.paste(fitted, ((STICKER[0] - fitted.width) // 2, (STICKER[1] - fitted.height) // 2))
    for quality in STICKER_QUALITIES:
        content = _encoded(square, "WEBP", quality=quality, method=4)
        if len(content) <= STICKER_BYTES:
            return content
    raise Refused("Meta takes stickers up to 100 KB, and this picture needs more.")


def _is_transparent(picture: Any) -> bool:
    if not picture.has_transparency_data:
        return False
    return bool(picture.convert("RGBA").getchannel("A").getextrema()[0] < 255)


def _flat(picture: Any) -> Any:
    """Return a picture in RGB, on white where one could see through."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        picture = _eight_bits(picture)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return picture.convert("RGB")


def _eight_bits(picture: Any) -> Any:
    """Return a grey picture of 16 or 32 bits in 8: Pillow would cut off what is above 255 instead of scaling it."""
    grey = picture.convert("F")
    scale = 255 / 65535 if grey.getextrema()[1] > 255 else 1.0
    return grey.point(lambda value: value * scale + 0).convert("L")


def _encoded(picture: Any, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    try:
        picture.save(out, kind, **options)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Refused("The picture is damaged.") from error
    return out.getvalue()


def _write(path: str, mime_type: str, content: bytes) -> Json:
    Path(path).write_bytes(content)
    return {"mime_type": mime_type, "size": len(content), "how": "encoded"}
