"""Files at Meta: which kinds it takes, how long it keeps them, and the short-lived URLs they are fetched from.

Source: Meta: business-phone-numbers/media.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from random import Random

from simulator.graph.errors import GraphRefusal
from simulator.world.identifiers import numeric_id

_DAY = 24 * 3600.0
KEPT_UPLOADED = 30 * _DAY
KEPT_RECEIVED = 7 * _DAY
_URL_LIVES = 300.0
_MB = 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."

_KINDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "audio": (16 * _MB, ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg")),
    "image": (5 * _MB, ("image/jpeg", "image/png")),
    "sticker": (500 * 1024, ("image/webp",)),
    "video": (16 * _MB, ("video/mp4", "video/3gpp")),
    "document": (
        100 * _MB,
        (
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            f"{_OFFICE}wordprocessingml.document",
            f"{_OFFICE}spreadsheetml.sheet",
            f"{_OFFICE}presentationml.presentation",
        ),
    ),
}
MIME_TYPES = {mime: (kind, limit) for kind, (limit, mimes) in _KINDS.items() for mime in mimes}


@dataclass(frozen=True)
class StoredFile:
    """A file under a media id. `expires_at` is simulated Unix time."""

    id: str
    phone_number_id: str
    mime_type: str
    content: bytes
    filename: str | None
    expires_at: float

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal, as Graph shows it when asked."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def webhook_digest(self) -> str:
        """SHA-256 in base64, as webhooks carry it."""
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()


class MediaStore:
    """All files, by id. What has expired is as good as never there."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._files: dict[str, StoredFile] = {}
        self._urls: dict[str, tuple[str, float]] = {}

    def add(
        self, phone_number_id: str, mime_type: str, content: bytes, filename: str | None, expires_at: float
    ) -> StoredFile:
        """Keep a file until a time."""
        file = StoredFile(numeric_id(self._random), phone_number_id, mime_type, content, filename, expires_at)
        self._files[file.id] = file
        return file

    def find(self, media_id: str, now: float) -> StoredFile | None:
        """A file that is still kept."""
        file = self._files.get(media_id)
        return file if file and file.expires_at > now else None

    def remove(self, media_id: str) -> None:
        """Forget a file."""
        self._files.pop(media_id, None)

    def open_url(self, file: StoredFile, now: float) -> str:
        """The path and query under which a file can be fetched for five minutes."""
        ticket = f"{self._random.getrandbits(128):032x}"
        self._urls[ticket] = (file.id, now + _URL_LIVES)
        return f"/whatsapp_business/attachments/?mid={file.id}&source=getMedia&hash={ticket}"

    def find_by_url(self, media_id: str, ticket: str, now: float) -> StoredFile | None:
        """The file behind a URL that has not expired."""
        known_id, until = self._urls.get(ticket, ("", 0.0))
        return self.find(media_id, now) if known_id == media_id and until > now else None


def check_upload(mime_type: str, size: int) -> None:
    """Refuse a kind of file, or a size, that WhatsApp does not carry."""
    known = MIME_TYPES.get(mime_type.partition(";")[0].strip().lower())
    if known is None:
        types = ", ".join(MIME_TYPES)
        details = f"Param file must be a file with one of the following types: {types}. Received '{mime_type}'."
        raise GraphRefusal(100, details, f"(#100) {details}")
    if size > known[1]:
        raise GraphRefusal(131053, f"Media file size too big. Max file size we currently support: {known[1]} bytes.")
