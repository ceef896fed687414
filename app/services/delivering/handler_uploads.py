"""A file that a Python handler uploads during its call, which arrives in parts."""

from __future__ import annotations

import base64
import tempfile
from typing import IO, Any

from app.domain.outbound_media import LARGEST, Purpose
from app.errors import Invalid, Malformed, TooLarge
from app.services.outbound_media import NewFile, UploadMedia

PIECE_BYTES = 64 * 1024

Json = dict[str, Any]


class HandlerUpload:
    """The upload of one call, in a temporary file until it is complete."""

    def __init__(self, uploads: UploadMedia) -> None:
        self._uploads = uploads
        self._file: IO[bytes] | None = None

    def add(self, frame: Json) -> None:
        """Take the next part, in base64; with `is_first` a new file begins. Raises `Malformed` and `TooLarge`."""
        try:
            part = base64.b64decode(str(frame.get("part")), validate=True)
        except ValueError:
            raise Malformed from None
        if frame.get("is_first") or self._file is None:
            self._close()
            self._file = tempfile.TemporaryFile(prefix="whatsapp-service-")
        if self._file.tell() + len(part) > LARGEST:
            self._close()
            raise TooLarge(f"The file is larger than {LARGEST >> 20} MB, the most that Meta takes.")
        self._file.write(part)

    def finish(self, frame: Json, phone_number_id: str | None) -> str:
        """Store the file and return its id. Raises `Invalid`, and what `UploadMedia` raises."""
        purpose = frame.get("type")
        if purpose is not None and purpose not in list(Purpose):
            raise Invalid(fields={"type": [f"must be one of {', '.join(Purpose)}"]})
        file, self._file = self._file, None
        if file is None:
            raise Invalid(fields={"content": ["is empty"]})
        with file:
            file.seek(0)
            filename = frame.get("filename")
            new = NewFile(
                filename if isinstance(filename, str) else None, None, phone_number_id,
                Purpose(purpose) if purpose is not None else None,
            )  # fmt: skip
            return self._uploads(new, iter(lambda: file.read(PIECE_BYTES), b""), None).id

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
