"""Uploads of files that are no messages, for whoever may use the number whose token they are made with.

What a caller knows of an upload is sealed: Meta's id of it, the number and the file's length, readable by us alone. So
any process goes on with what another began, nothing has to be kept, and nobody goes on with what is not theirs.
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
"""Graph's name for the app that a token belongs to."""


@dataclass(frozen=True, slots=True)
class _Session:
    number: BusinessNumber
    theirs: str
    length: int


class GraphUploads:
    """`numbers` bounds which of our numbers a caller may use; None means all.

    Every method raises `NotFound` for an app or an upload that is not the caller's, and what a call to Graph can end
    in. Asking for an upload or how far it is may be repeated, so neither ends in `GraphUnknown`.
    """

    def __init__(self, directory: NumberDirectory, graph: GraphClient, encryptor: Encryptor) -> None:
        self._directory = directory
        self._graph = graph
        self._encryptor = encryptor

    def start(self, app_id: str, file: NewFile, numbers: Numbers) -> str:
        """Announce a file to Meta and return the id of its upload.

        Whether a token belongs to an app is known where the settings or the number say so; else Meta is asked.
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
        """Hand on the bytes of a file from `offset` on; with the last of them comes the file's handle, `h`.

        A body whose `size` nobody says is the rest of the file. Where the `offset` did not come with it, the whole
        file begins at its beginning, and a part of it where Meta's last one ended: servers and proxies drop headers
        with an underscore in their name, and `file_offset` is one. Raises `TooLarge` for more than the file's length,
        and `Malformed` for a body that ends early; Meta then keeps what it has.
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
        """How many bytes of a file Meta has: where to go on."""
        return self._offset(self._open(upload_id, numbers))

    def _of_app(self, app_id: str, numbers: Numbers) -> list[BusinessNumber]:
        """The caller's numbers that may belong to an app, one for each token."""
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
