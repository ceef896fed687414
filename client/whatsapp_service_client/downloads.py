"""Files, read in pieces."""

from __future__ import annotations

import os
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from types import TracebackType

import requests

from whatsapp_service_client.errors import Unreachable

PIECE_BYTES = 1 << 16


class Download:
    """The content of a file. Use it in a `with` block, or read it to its end."""

    def __init__(self, answer: requests.Response) -> None:
        self._answer = answer

    def __enter__(self) -> Download:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def content_type(self) -> str:
        """The media type, as `image/jpeg`."""
        return self._answer.headers.get("Content-Type", "application/octet-stream")

    @property
    def filename(self) -> str | None:
        """The name that the gateway gives the file, without any folder."""
        message = Message()
        message["Content-Disposition"] = self._answer.headers.get("Content-Disposition", "")
        name = message.get_filename()
        return os.path.basename(name.replace("\\", "/")) or None if name else None

    def __iter__(self) -> Iterator[bytes]:
        """The content, in pieces. Raises `Unreachable` if it ends early."""
        try:
            yield from self._answer.iter_content(PIECE_BYTES)
        except requests.RequestException as failure:
            raise Unreachable(
                f"The file ended early ({type(failure).__name__}).", code="unreachable", retryable=True
            ) from failure
        finally:
            self.close()

    def read(self) -> bytes:
        """The whole content."""
        return b"".join(self)

    def save(self, path: str | os.PathLike[str]) -> int:
        """Write the content to a file, which is only there once it is whole, and return its size in bytes."""
        target = Path(path)
        part = target.with_name(f".{target.name}.part")
        try:
            with open(part, "wb") as file:
                size = sum(file.write(piece) for piece in self)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return size

    def close(self) -> None:
        """Let go of the connection."""
        self._answer.close()
