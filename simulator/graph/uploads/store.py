"""Files that are no messages: uploads that may be resumed, and the handles they end in.

Source: Meta: graph-api/guides/upload.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from random import Random

from simulator.graph.errors import GraphRefusal, unknown_object
from simulator.graph.rules import Rule, choice, integer, text

PICTURES = ("image/jpeg", "image/jpg", "image/png")
_LARGEST = 100 * 1024 * 1024

NEW_UPLOAD: dict[str, Rule] = {
    "file_name": text(255),
    "file_length": integer(1, _LARGEST),
    "file_type": choice("application/pdf", *PICTURES, "video/mp4"),
}
"""What must be said of a file; whatever else a request holds, Graph ignores here."""


@dataclass
class Upload:
    """A file on its way. `id` is what Graph calls it, with a query of its own; `handle` names it once it is whole."""

    id: str
    app_id: str
    length: int
    mime_type: str
    handle: str
    content: bytearray = field(default_factory=bytearray)

    @property
    def is_whole(self) -> bool:
        """Whether all of it has come."""
        return len(self.content) == self.length

    def append(self, offset: int, piece: bytes) -> None:
        """Take in what comes at `offset`. Refuses what does not go on where the last one ended, or is too long."""
        if offset != len(self.content):
            raise GraphRefusal(100, f"file_offset must be {len(self.content)}, where the upload stands.")
        if offset + len(piece) > self.length:
            raise GraphRefusal(100, f"The file was announced with {self.length} bytes.")
        self.content += piece


class Uploads:
    """All uploads, by id."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._by_id: dict[str, Upload] = {}

    def start(self, app_id: str, length: int, mime_type: str) -> Upload:
        """Announce a file."""
        name = base64.b64encode(b"attachment:" + self._random.randbytes(19)).decode()
        kind = base64.b64encode(mime_type.encode()).decode()
        upload = Upload(
            f"upload:{name.replace('/', '_')}?sig=AR{self._random.getrandbits(96):024x}",
            app_id,
            length,
            mime_type,
            f"4::{kind}:AR{self._random.getrandbits(160):040x}:e:{app_id}",
        )
        self._by_id[upload.id] = upload
        return upload

    def get(self, upload_id: str, app_id: str, method: str) -> Upload:
        """An app's upload; else the refusal of an object that does not exist."""
        upload = self._by_id.get(upload_id)
        if upload is None or upload.app_id != app_id:
            raise unknown_object(upload_id.partition("?")[0], method)
        return upload

    def kind_of(self, handle: str, app_id: str) -> str | None:
        """The MIME type of the file that a handle of an app's names; None for a handle that is not one."""
        found = (each for each in self._by_id.values() if each.handle == handle and each.app_id == app_id)
        return next((upload.mime_type for upload in found if upload.is_whole), None)
