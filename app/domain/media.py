"""Files of messages: their states, how long Meta keeps them, how large they may be, and names that are safe to use."""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class MediaState(StrEnum):
    """What is known of a file's content.

    `pending`: to be fetched from Meta. `stored`: in the vault. `at_meta`: only Meta has it, because this host keeps no
    files. `gone`: Meta deleted its copy before it could be fetched. `refused`: it was fetched, and is not what Meta
    said, or larger than allowed. `erased`: deleted here, because of a retention time or for a person.
    """

    PENDING = "pending"
    STORED = "stored"
    AT_META = "at_meta"
    GONE = "gone"
    REFUSED = "refused"
    ERASED = "erased"


KEPT_BY_META = timedelta(days=7)
"""How long Meta keeps a file that a customer sent. Source: Meta, business-phone-numbers/media."""

KEPT_UPLOAD = timedelta(days=30)
"""How long Meta keeps a file that was uploaded to be sent. Source: as above."""

NOT_KEPT = "This host throws its disk away and MEDIA_S3_BUCKET is not set: the file stays at Meta, for 7 days."

URL_LIFETIME = timedelta(minutes=5)
"""How long Meta's URL of a file works. Source: as above."""

_MB = 1024 * 1024
LARGEST_RECEIVED = 100 * _MB
"""Meta replaces a customer's file above 100 MB by error 131052. Its smaller limits per type are for files to send."""

_RECEIVED = {"sticker": 1 * _MB}
"""Meta's limit for an animated sticker is 500 KB."""


def largest_received(message_type: str | None) -> int:
    """Return the bytes that a customer's file of this message type may have."""
    return _RECEIVED.get(message_type or "", LARGEST_RECEIVED)


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """A file with everything that is needed to answer with it. `key` is None unless it is stored.

    `full_type` is its type with the codec where that matters, for a `Content-Type`.
    """

    id: str
    direction: str
    phone_number_id: str
    message_id: str | None
    meta_media_id: str | None
    state: MediaState
    reason: str | None
    mime_type: str | None
    filename: str | None
    size: int | None
    sha256: str | None
    created_at: datetime
    stored_at: datetime | None
    expires_at: datetime | None
    key: str | None = None
    full_type: str | None = None
    thumbnail_key: str | None = None


def hexadecimal(sha256: str | None) -> str | None:
    """Return a SHA-256 in hexadecimal. Webhooks write it in base64, Graph in hexadecimal; None for anything else."""
    text = (sha256 or "").strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return text.lower()
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=None, validate=True)
    except ValueError:
        return None
    return raw.hex() if len(raw) == 32 else None


_DEVICES = re.compile(r"(?i)\A(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_LONGEST_NAME = 120


def safe_filename(name: str | None, extension: str, stem: str = "file") -> str:
    """Return a name under which any system may save a file: no folder, control sign, device name or leading dot.

    A name of the sender's keeps its words and gets `extension` unless it has it; so `invoice.jpg` that holds a web page
    becomes `invoice.jpg.html`. Signs that turn the direction of writing are left out, because they hide an ending.
    """
    text = unicodedata.normalize("NFC", name or "")
    text = "".join(sign for sign in text if unicodedata.category(sign) not in ("Cf", "Cc", "Cs", "Co", "Zl", "Zp"))
    text = _FORBIDDEN.sub("_", text.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .")
    if _DEVICES.match(text):
        text = f"_{text}"
    if not text.strip("_"):
        text = stem
    kept, dot, ending = text.rpartition(".")
    if not dot or f".{ending.lower()}" not in (extension, *_SAME.get(extension, ())):
        kept, ending = text, extension[1:]
    return f"{kept[: _LONGEST_NAME - len(ending) - 1].rstrip(' .')}.{ending}"


_SAME = {
    ".jpg": (".jpeg", ".jpe", ".jfif"), ".tiff": (".tif",), ".mp4": (".m4v",), ".m4a": (".mp4",),
    ".ogg": (".oga", ".opus"), ".weba": (".webm",), ".3gp": (".3gpp",), ".html": (".htm",), ".vcf": (".vcard",),
    ".txt": (".log", ".md", ".ini", ".yaml", ".yml", ".tsv", ".conf"), ".zip": (".docx", ".xlsx", ".pptx"),
    ".xml": (".xsd",), ".bin": (".dat",),
}  # fmt: skip
"""Other endings for the same content. None of them belongs to a more dangerous type."""
