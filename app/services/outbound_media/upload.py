"""Take a file from a caller: into the vault while it arrives, with its type by content."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from app.db.database import Database
from app.domain.media import KEPT_UPLOAD, NOT_KEPT, MediaState, StoredMedia, safe_filename
from app.domain.media_types import MediaType, detect
from app.domain.outbound_media import LARGEST, Purpose, Verdict, allows, type_for_meta
from app.errors import GatewayError, Invalid, TooLarge, Unavailable
from app.ids import new_id
from app.logs import get_logger
from app.models import Media
from app.services.registries import NumberDirectory
from app.services.sending import choose_number
from app.store import media
from app.vault import Incoming, TooLong, Vault

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NewFile:
    """What a caller says of its file. `purpose` is what it is to be sent as, if that is known already."""

    filename: str | None = None
    mime_type: str | None = None
    phone_number_id: str | None = None
    purpose: Purpose | None = None


class Received:
    """A file that has arrived and was looked at, and is not stored yet. Leaving its `with` block deletes it."""

    def __init__(self, file: NewFile, incoming: Incoming, kind: MediaType, number_id: str) -> None:
        self.file = file
        self.incoming = incoming
        self.kind = kind
        self.number_id = number_id

    @property
    def sha256(self) -> str:
        """The SHA-256 of its content in hexadecimal."""
        return self.incoming.sha256

    def __enter__(self) -> Received:
        return self

    def __exit__(self, *_: object) -> None:
        self.incoming.close()


class UploadMedia:
    """Takes files of at most 100 MB, in two steps: `receive`, then `keep`."""

    def __init__(
        self, database: Database, directory: NumberDirectory, vault: Vault | None, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._directory = directory
        self._vault = vault
        self._now = now

    def __call__(self, file: NewFile, pieces: Iterable[bytes], numbers: Sequence[str] | None) -> StoredMedia:
        """Receive and keep a file in one step; raises what these raise."""
        with self.receive(file, pieces, numbers) as received:
            return self.keep(received)

    def receive(self, file: NewFile, pieces: Iterable[bytes], numbers: Sequence[str] | None) -> Received:
        """Receive a file that is to be sent from one number: `file.phone_number_id`, or the only one in `numbers`
        (None: of all).

        Raises `TooLarge`; `Invalid` for an empty file, or with a `purpose` for one that Meta would not take;
        `Unavailable` where files are not kept; and what `pieces` raises. Nothing is stored then.
        """
        number = choose_number(self._directory.current, file.phone_number_id, numbers)
        if self._vault is None:
            raise Unavailable(f"Files cannot be uploaded here: {NOT_KEPT}")
        try:
            incoming = self._vault.receive(pieces, LARGEST)
        except TooLong as error:
            raise TooLarge(f"The file is larger than {LARGEST >> 20} MB, the most that Meta takes.") from error
        try:
            kind = detect(incoming.file, file.mime_type, file.filename)
            _check(kind, incoming.size, file.purpose)
        except BaseException:
            incoming.close()
            raise
        return Received(file, incoming, kind, number.phone_number_id)

    def type_for_meta(self, stream: IO[bytes], declared: str, filename: str | None) -> str:
        """Return the type that Meta is to be told of a file that can be sought; it is left at its beginning."""
        return type_for_meta(detect(stream, declared, filename), declared)

    def keep_copy(self, file: NewFile, pieces: Iterable[bytes], answer: object) -> None:
        """Keep a copy of a file that Meta has taken with this `answer`. If that fails, only the copy is missing."""
        meta_id = answer.get("id") if isinstance(answer, dict) else None
        if self._vault is None or not isinstance(meta_id, str | int):
            return
        try:
            with self.receive(file, pieces, None) as received:
                self.keep(received, meta_media_id=str(meta_id))
        except GatewayError as error:
            logger.warning("no copy of an upload could be kept", extra={"reason": error.code})

    def forget_copy(self, meta_media_id: str, numbers: Collection[str] | None) -> None:
        """Delete the copy of an upload that was deleted at Meta. What belongs to a message stays, without Meta's id."""
        with self._database.write() as session:
            found = media.find(session, meta_media_id, numbers)
            if found is None:
                return
            if found.message_id is None:
                media.release(session, [found.id], self._now(), None)
            else:
                media.change(session, found.id, {"meta_media_id": None})

    def keep(self, received: Received, meta_media_id: str | None = None) -> StoredMedia:
        """Store a received file and return its row, whose `id` sends it. Meta may have it as `meta_media_id` already.
        """
        assert self._vault is not None
        file, incoming, kind = received.file, received.incoming, received.kind
        now, media_id = self._now(), new_id()
        key = self._vault.keep(incoming)
        with self._database.write() as session:
            kept = media.share(session, incoming.sha256, key, incoming.size, kind, now)
            if kept != key:
                media.discard(session, [key], now)
            session.add(
                Media(
                    id=media_id, direction="outbound", phone_number_id=received.number_id, state=MediaState.STORED,
                    declared_type=file.mime_type, sha256=incoming.sha256, mime_type=kind.mime_type,
                    filename=safe_filename(file.filename, kind.extension) if file.filename else None,
                    size=incoming.size, created_at=now, stored_at=now, meta_media_id=meta_media_id,
                    expires_at=now + KEPT_UPLOAD if meta_media_id else None,
                )
            )  # fmt: skip
            session.flush()
            found = media.find(session, media_id)
        assert found is not None
        return found


def _check(kind: MediaType, size: int, purpose: Purpose | None) -> None:
    if not size:
        raise Invalid(fields={"file": ["is empty"]})
    if purpose is not None:
        decision = allows(purpose, kind, size, shrinks=True)
        if decision.verdict is Verdict.REFUSE:
            raise Invalid(fields={"file": [decision.reason]})
