"""Give one file to Meta: as it is, or converted to what Meta takes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from app.conversion.process import Order, converted
from app.conversion.refusal import Refused
from app.domain.media import StoredMedia, safe_filename
from app.domain.media_types import EXTENSIONS, MediaType, detect
from app.domain.numbers import BusinessNumber
from app.domain.outbound_media import LARGEST, Purpose, Verdict, allows, decide, most_bytes
from app.errors import GraphUnknown
from app.graph.client import GraphClient
from app.graph.files import Upload
from app.services.media import ReadMedia
from app.subscribers.link_client import LinkClient


@dataclass(frozen=True, slots=True)
class _About:
    """What is said of a file by where it comes from."""

    mime_type: str | None
    filename: str | None


class PutAtMeta:
    """Uploads files that are stored here, or still at Meta from a customer."""

    def __init__(self, files: ReadMedia, graph: GraphClient, links: LinkClient, *, shrinks: bool) -> None:
        """`links` fetches files that are named by link. `shrinks`: pictures that Meta finds too large are made smaller.
        """
        self._files = files
        self._graph = graph
        self._links = links
        self._shrinks = shrinks

    def __call__(
        self, found: StoredMedia, purpose: Purpose, number: BusinessNumber,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> str:  # fmt: skip
        """Upload a file for one purpose and return Meta's id of it.

        Raises `Refused` with a sentence for the sender if Meta would not take it and it cannot be converted,
        `Interrupted` when the gateway stops, the errors of `GraphClient`, and those of opening a file.
        """
        about = _About(found.mime_type, found.filename)
        with _closed(self._files.open_anywhere(found)) as pieces:
            if purpose is not Purpose.DOCUMENT:
                return self._put(pieces, about, purpose, number, is_stopping)
            # Never converted, so the largest files pass through without a copy.
            decision = allows(purpose, MediaType(found.mime_type or ""), found.size or 0)
            if decision.verdict is Verdict.REFUSE:
                raise Refused(decision.reason)
            return self._upload(_Reader(pieces), found.size or 0, decision.mime_type, about, number)

    def link(
        self, url: str, purpose: Purpose, number: BusinessNumber, is_stopping: Callable[[], bool] = lambda: False
    ) -> str:
        """Fetch the file behind a link, upload it, and return Meta's id of it. Raises as above, and `CannotFetch`."""
        with self._links.fetch(url, LARGEST) as fetched:
            name = unquote(urlsplit(url).path.rpartition("/")[2]) or None
            return self._put(fetched.pieces, _About(fetched.mime_type, name), purpose, number, is_stopping)

    def _put(
        self, pieces: Iterable[bytes], about: _About, purpose: Purpose, number: BusinessNumber,
        is_stopping: Callable[[], bool],
    ) -> str:  # fmt: skip
        with _spooled(pieces) as (file, size):
            kind = detect(file, about.mime_type, about.filename)
            if about.filename:
                about = _About(about.mime_type, safe_filename(about.filename, kind.extension))
            decision = decide(purpose, kind, file, size, shrinks=self._shrinks)
            if decision.verdict is Verdict.REFUSE:
                raise Refused(decision.reason)
            if decision.verdict is Verdict.AS_IS:
                return self._upload(file, size, decision.mime_type, about, number)
            order = Order(str(purpose), kind.mime_type, most_bytes(purpose), self._shrinks)
            with converted(order, file, is_stopping=is_stopping) as made:
                if made.path is None:
                    file.seek(0)
                    return self._upload(file, size, made.mime_type, about, number)
                with open(made.path, "rb") as result:
                    return self._upload(result, made.size, made.mime_type, about, number)

    def _upload(self, file: Any, size: int, mime_type: str, about: _About, number: BusinessNumber) -> str:
        stem = (about.filename or "file").rpartition(".")[0] or about.filename or "file"
        ending = EXTENSIONS.get(mime_type.partition(";")[0], "")
        name = about.filename if mime_type == about.mime_type and about.filename else f"{stem}{ending}"
        fields = {"messaging_product": "whatsapp", "type": mime_type}
        upload = Upload(file, size, filename=name, mime_type=mime_type, fields=fields)
        answer = self._graph.upload(number.phone_number_id, upload, number.access_token)
        meta_id = answer.get("id") if isinstance(answer, dict) else None
        if isinstance(meta_id, int) and not isinstance(meta_id, bool):
            meta_id = str(meta_id)
        if not isinstance(meta_id, str) or not meta_id:
            raise GraphUnknown(meta={"reason": "no media id"})
        return meta_id


@contextmanager
def _closed(pieces: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """Close the file or the connection that pieces come from at the end, however far it was read."""
    try:
        yield pieces
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


class _Reader:
    """Pieces as a file that can only be read on."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    def read(self, _size: int = -1) -> bytes:
        """Return the next piece, b"" at the end."""
        return next(self._pieces, b"")


@contextmanager
def _spooled(pieces: Iterable[bytes]) -> Iterator[tuple[IO[bytes], int]]:
    """Yield a temporary file with these bytes, at its beginning, and its size."""
    # Unbuffered, because the converting process moves the position of the same open file.
    with tempfile.TemporaryFile(prefix="whatsapp-service-", buffering=0) as file:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > LARGEST:
                raise Refused(f"The file is larger than {LARGEST >> 20} MB.")
            view = memoryview(piece)
            while view:
                view = view[file.write(view) :]
        file.seek(0)
        yield file, size
