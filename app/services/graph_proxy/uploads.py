"""Forward resumable uploads (samples of templates, profile pictures) to Graph.

The upload id that a caller gets holds Meta's session id, the number and the file's length, encrypted. So any process
can continue an upload, nothing is stored, and no caller can continue the upload of another number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from app.domain.numbers import BusinessNumber
from app.errors import (
    GraphError,
    GraphRefused,
    GraphUnauthorised,
    GraphUnavailable,
    GraphUnknown,
    NotFound,
    TooLarge,
)
from app.graph import uploads
from app.graph.client import GraphClient
from app.graph.files import Passing
from app.graph.uploads import PREFIX, NewFile
from app.security.encryption import CannotDecrypt, Encryptor
from app.services.registries import NumberDirectory

Json = dict[str, Any]
Numbers = tuple[str, ...] | None

OWN_APP = "app"
"""Graph's alias for the app of a token."""


@dataclass(frozen=True, slots=True)
class _Session:
    number: BusinessNumber
    theirs: str
    length: int


class GraphUploads:
    """Starts and continues uploads. `numbers` bounds the numbers a caller may use; None means all.

    Every method raises `NotFound` for an app or an upload that the caller may not use, and the errors of
    `GraphClient`. `start` and `offset` may be repeated, so they raise `GraphUnavailable` instead of `GraphUnknown`.
    """

    def __init__(self, directory: NumberDirectory, graph: GraphClient, encryptor: Encryptor) -> None:
        self._directory = directory
        self._graph = graph
        self._encryptor = encryptor

    def start(self, app_id: str, file: NewFile, numbers: Numbers) -> str:
        """Start the upload of a file; return its upload id.

        If the settings do not tell which token belongs to the app, each token is tried.
        """
        refusal: GraphError | None = None
        for number in self._of_app(app_id, numbers):
            try:
                with _repeatable():
                    theirs = uploads.start(self._graph, app_id, file, number.access_token)
            except (GraphRefused, GraphUnauthorised) as error:  # another number's token may be better
                refusal = error
                continue
            return PREFIX + self._encryptor.encrypt(json.dumps([number.phone_number_id, theirs, file.file_length]))
        raise refusal or NotFound()

    def append(self, upload_id: str, stream: IO[bytes], size: int | None, offset: int | None, numbers: Numbers) -> Json:
        """Forward the bytes of a file from `offset` on; the answer to the last byte holds the file's handle, `h`.

        Without a `size` the body is the rest of the file. Without an `offset` a body of the whole length starts at 0,
        and any other where Meta's last part ended: servers and proxies drop headers with an underscore in their name,
        such as `file_offset`. Raises `TooLarge` for more than the file's length, and `Malformed` for a body that ends
        early; Meta then keeps what it has received.
        """
        session = self._open(upload_id, numbers)
        if offset is None:
            offset = 0 if size == session.length else self._offset(session)
        if size is None:
            size = max(session.length - offset, 0)
        if offset + size > session.length:
            raise TooLarge(f"The file was announced with {session.length} bytes.")
        try:
            answer = uploads.append(
                self._graph, session.theirs, offset, Passing(stream, size), session.number.access_token
            )
        except GraphUnknown as error:
            message = "Meta's answer did not come; ask for the upload's `file_offset` before you go on."
            raise error.as_a(GraphUnknown, message) from error
        return answer | {"id": upload_id} if "id" in answer else answer

    def offset(self, upload_id: str, numbers: Numbers) -> int:
        """Return how many bytes of a file Meta has received: where to continue."""
        return self._offset(self._open(upload_id, numbers))

    def _of_app(self, app_id: str, numbers: Numbers) -> list[BusinessNumber]:
        """Return the caller's numbers that may belong to an app, one per token."""
        if not (app_id.isdecimal() and app_id.isascii()) and app_id != OWN_APP:
            return []
        known = self._directory.current.numbers.values()
        allowed = [each for each in known if numbers is None or each.phone_number_id in numbers]
        fitting = [each for each in allowed if app_id in (OWN_APP, each.app) or not each.app.isdecimal()]
        found: dict[str, BusinessNumber] = {}
        for each in sorted(fitting, key=lambda each: each.app != app_id):
            found.setdefault(each.access_token, each)
        return list(found.values())

    def _open(self, upload_id: str, numbers: Numbers) -> _Session:
        try:
            phone_number_id, theirs, length = json.loads(self._encryptor.decrypt(upload_id.removeprefix(PREFIX)))
        except (CannotDecrypt, ValueError, TypeError):
            raise NotFound from None
        number = self._directory.current.find(phone_number_id)
        if number is None or (numbers is not None and phone_number_id not in numbers):
            raise NotFound
        return _Session(number, theirs, length)

    def _offset(self, session: _Session) -> int:
        with _repeatable():
            return uploads.offset_of(self._graph, session.theirs, session.number.access_token)


@contextmanager
def _repeatable() -> Iterator[None]:
    try:
        yield
    except GraphUnknown as error:
        raise error.as_a(GraphUnavailable) from error
