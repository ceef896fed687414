"""Which files Meta takes for which kind of message, and what to do with all others.

Source of types and sizes: Meta, business-phone-numbers/media (2 December 2025).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import IO

from app.domain import media_headers
from app.domain.media_types import MediaType

KB, MB = 1024, 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."
OGG_OPUS = "audio/ogg; codecs=opus"
"""How Meta wants to be told of Opus: it takes the upload of plain `audio/ogg` and fails the message later (131053)."""

LARGEST = 100 * MB
STICKER_SIZE = (512, 512)


class Purpose(StrEnum):
    """What a file is sent as: a type of message, or `voice`, sound that is shown as a recording."""

    IMAGE = "image"
    STICKER = "sticker"
    VIDEO = "video"
    AUDIO = "audio"
    VOICE = "voice"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class _Rule:
    """`takes`: the types that Meta takes; `converts`: other types that are converted to one of them; `most` bytes."""

    takes: tuple[str, ...]
    converts: tuple[str, ...]
    most: int
    wanted: str


_SOUNDS = (
    "audio/ogg", "audio/webm", "audio/mp4", "audio/wav", "audio/flac", "audio/3gpp", "audio/x-matroska", "audio/mpeg",
    "audio/aac", "audio/amr", "video/webm", "video/mp4",
)  # fmt: skip
_PICTURES = (
    "image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff", "image/avif", "image/heic",
    "image/heif",
)  # fmt: skip
_RULES = {
    Purpose.IMAGE: _Rule(("image/jpeg", "image/png"), _PICTURES, 5 * MB, "JPEG or PNG (8 bits, RGB or RGBA)"),
    Purpose.STICKER: _Rule(("image/webp",), _PICTURES, 100 * KB, "WebP of 512 × 512 pixels"),
    Purpose.VIDEO: _Rule(
        ("video/mp4", "video/3gpp"), ("video/mp4", "video/quicktime", "video/webm", "video/x-matroska"), 16 * MB,
        "MP4 or 3GP (H.264 and AAC)",
    ),
    Purpose.AUDIO: _Rule(
        ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), _SOUNDS, 16 * MB,
        "AAC, AMR, MP3, M4A (AAC) or Ogg (Opus, mono)",
    ),
    Purpose.VOICE: _Rule(("audio/ogg",), _SOUNDS, 16 * MB, "Ogg (Opus, mono)"),
    Purpose.DOCUMENT: _Rule(
        (
            "text/plain", "application/pdf", "application/msword", f"{_OFFICE}wordprocessingml.document",
            "application/vnd.ms-excel", f"{_OFFICE}spreadsheetml.sheet", "application/vnd.ms-powerpoint",
            f"{_OFFICE}presentationml.presentation",
        ),
        (), LARGEST, "plain text, PDF, Word, Excel or PowerPoint",
    ),
}  # fmt: skip
_ANIMATED_STICKER = 500 * KB
_TEXTS = frozenset({"text/csv", "text/calendar", "text/vcard", "application/json", "application/xml"})
"""Texts that Meta takes only as `text/plain`; the name of the document still says what they are."""


class Verdict(StrEnum):
    """What is to be done with a file before it is given to Meta."""

    AS_IS = "as_is"
    CONVERT = "convert"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict. With `AS_IS`: the type under which Meta gets the file. With `REFUSE`: why, for a person."""

    verdict: Verdict
    mime_type: str = ""
    reason: str = ""


def type_for_meta(found: MediaType, declared: str) -> str:
    """Return the type under which Meta takes a file that somebody declared as `declared`.

    That is the type that was found in it, if Meta takes files of it at all: Meta refuses `audio/opus`, and takes plain
    `audio/ogg` only to fail the message later. Texts stay what they were declared as.
    """
    is_taken = any(found.mime_type in rule.takes for rule in _RULES.values())
    return _told(found) if is_taken and found.family != "text" and not _is_other_ogg(found) else declared


def _is_other_ogg(found: MediaType) -> bool:
    return found.mime_type == "audio/ogg" and found.codecs != "opus"


def usual_purpose(found: MediaType) -> Purpose:
    """Return what a person means who sends such a file without saying more."""
    if found.mime_type in _RULES[Purpose.IMAGE].converts:
        return Purpose.IMAGE
    families = {"audio": Purpose.AUDIO, "video": Purpose.VIDEO}
    return families.get(found.family, Purpose.DOCUMENT)


def most_bytes(purpose: Purpose) -> int:
    """Return the largest size that Meta takes."""
    return _RULES[purpose].most


def allows(purpose: Purpose, found: MediaType, size: int, *, shrinks: bool = False) -> Decision:
    """Decide by type and size alone, without looking into the file: what is refused here is certainly of no use.

    `shrinks`: pictures that are too large may be made smaller.
    """
    rule = _RULES[purpose]
    if not size:
        return Decision(Verdict.REFUSE, reason="The file is empty.")
    if found.mime_type in _TEXTS and purpose is Purpose.DOCUMENT:
        found = MediaType("text/plain")
    is_taken = found.mime_type in rule.takes
    if not is_taken and found.mime_type not in rule.converts:
        return _refuse(purpose, found, size)
    most = _ANIMATED_STICKER if purpose is Purpose.STICKER and found.is_animated else rule.most
    may_become_smaller = purpose is Purpose.STICKER or not is_taken or (purpose is Purpose.IMAGE and shrinks)
    if size > (LARGEST if may_become_smaller else most):
        return _refuse(purpose, found, size)
    if is_taken and size <= most:
        return Decision(Verdict.AS_IS, _told(found))
    return Decision(Verdict.CONVERT)


def decide(purpose: Purpose, found: MediaType, file: IO[bytes], size: int, *, shrinks: bool = False) -> Decision:
    """Decide by type, size and the header of the file, which can be sought."""
    decision = allows(purpose, found, size, shrinks=shrinks)
    if decision.verdict is not Verdict.AS_IS or _is_ready(purpose, found, file):
        return decision
    if purpose is Purpose.STICKER and found.is_animated:
        return _refuse(purpose, found, size)
    if found.mime_type in _RULES[purpose].converts:
        return Decision(Verdict.CONVERT)
    return decision


def _is_ready(purpose: Purpose, found: MediaType, file: IO[bytes]) -> bool:
    """Return whether a file of a type that Meta takes is also inside as Meta wants it."""
    if purpose is Purpose.IMAGE:
        return media_headers.is_eight_bit_colour(file, found.mime_type)
    if purpose is Purpose.STICKER:
        return media_headers.webp_size(file) == STICKER_SIZE
    if found.mime_type == "audio/ogg":
        return found.codecs == "opus" and media_headers.opus_channels(file) == 1
    if found.mime_type == "audio/mp4":
        return found.codecs == "aac"
    return purpose is not Purpose.VIDEO  # of films the converter finds out, since only the tracks tell


def _told(found: MediaType) -> str:
    return OGG_OPUS if found.mime_type == "audio/ogg" else found.mime_type


def _refuse(purpose: Purpose, found: MediaType, size: int) -> Decision:
    rule = _RULES[purpose]
    moving = f" ({_ANIMATED_STICKER // KB} if it moves)"
    most = f"{rule.most // MB} MB" if rule.most >= MB else f"{rule.most // KB} KB{moving}"
    kind = f"{'animated ' if found.is_animated else ''}{found.mime_type}{f' ({found.codecs})' if found.codecs else ''}"
    has = f"{size / MB:.1f} MB" if size >= MB else f"{max(1, size // KB)} KB"
    return Decision(
        Verdict.REFUSE,
        reason=f"Meta takes as {purpose}: {rule.wanted}, up to {most}. This file is {kind}, {has}.",
    )
