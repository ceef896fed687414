"""Find files and open them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from app.db.database import Database
from app.domain.media import MediaState, StoredMedia
from app.errors import GatewayError, NotFound
from app.security.media_links import MediaLinks
from app.services.media.from_meta import MetaFiles
from app.store import media
from app.vault import MissingFile, Opened, Vault


class MediaGone(GatewayError):
    """The file cannot be had any more; the message says why."""

    code = "gone"
    default = "The file is gone."


class ReadMedia:
    """Reads files and their rows. `vault` is None where files are not kept (see `Config.keeps_media`)."""

    def __init__(self, database: Database, vault: Vault | None, links: MediaLinks, meta: MetaFiles) -> None:
        self._database = database
        self.vault = vault
        self.links = links
        self.meta = meta

    def find(self, media_id: str, numbers: Collection[str] | None) -> StoredMedia:
        """Return a file by our id or Meta's. Raises `NotFound`, also for one of other numbers than `numbers`."""
        with self._database.read() as session:
            found = media.find(session, media_id, numbers)
        if found is None:
            raise NotFound("No file has this id.")
        return found

    def of_messages(self, message_ids: Collection[str]) -> dict[str, StoredMedia]:
        """Return the files of these messages, by our ids of the messages. For lists: one query."""
        with self._database.read() as session:
            return {found.message_id or "": found for found in media.of_messages(session, message_ids)}

    def page(
        self, numbers: Collection[str] | None, equal: dict[str, Any], before: str | None, limit: int
    ) -> list[StoredMedia]:
        """Return files, newest first, after the id `before`; `equal` holds columns with the value to have."""
        with self._database.read() as session:
            return media.page(session, numbers, equal, before, limit)

    def link(self, media_id: str, lifetime_seconds: float) -> str:
        """Return a signed path that opens this file without a key for that time."""
        return self.links.link(media_id, lifetime_seconds)

    def open(self, found: StoredMedia, start: int = 0, length: int | None = None) -> Opened:
        """Return a stored file's bytes from `start` on, at most `length`, in pieces.

        Raises `MediaGone` for a file that is not stored, `MissingFile` if the vault lost it, and `VaultUnavailable`.
        """
        if found.key is None or self.vault is None:
            raise MediaGone(f"The file is not stored here ({found.state}).{_because(found)}")
        return self.vault.open(found.key, start, length)

    def open_anywhere(self, found: StoredMedia) -> Iterator[bytes]:
        """Return a file's whole content in pieces: from the vault, else from Meta while Meta has it.

        Raises as `open` does, and `GraphError` when Meta does not give it.
        """
        if found.key is None and found.state in (MediaState.PENDING, MediaState.AT_META):
            return iter(self.meta.open_by_id(found.meta_media_id, found.phone_number_id))
        return self.open(found)

    def open_thumbnail(self, found: StoredMedia) -> Opened:
        """Return the small JPEG of a picture. Raises `NotFound` if there is none (yet)."""
        if found.thumbnail_key is None or self.vault is None:
            raise NotFound("The file has no small picture.")
        try:
            return self.vault.open(found.thumbnail_key)
        except MissingFile:
            raise NotFound("The small picture is missing in the store of files.") from None


def _because(found: StoredMedia) -> str:
    told = {MediaState.PENDING: " It is being fetched from Meta; ask again soon."}.get(found.state, "")
    return f"{told} {found.reason}" if found.reason else told
