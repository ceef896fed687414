"""Make small pictures of pictures and of films, one after the other, in a process with limits of time and memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from app.conversion.process import Interrupted, Order, converted
from app.conversion.refusal import Refused
from app.db.database import Database
from app.logs import get_logger
from app.store import media
from app.vault import MissingFile, Vault

SECONDS = 20
LARGEST_SOURCE = 30 * 1024 * 1024
"""Larger files get no small picture: copying and decoding them takes too long to be worth it."""

LARGEST_THUMBNAIL = 256 * 1024

logger = get_logger(__name__)


class MakeThumbnails:
    """Makes the small picture of the oldest picture or film that has none, whatever its type: a JPEG of at most 480
    points, of a film its first picture."""

    def __init__(self, database: Database, vault: Vault, now: Callable[[], datetime]) -> None:
        self._database = database
        self._vault = vault
        self._now = now

    def __call__(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Make one; return False if none is wanted. Raises `Unavailable`, `VaultUnavailable`, `NoRoom`."""
        with self._database.read() as session:
            wanted = media.wanted_thumbnail(session)
        if wanted is None:
            return False
        sha256, source, mime_type, size = wanted
        is_missing = False
        try:
            key = self._made(source, mime_type, is_stopping) if size <= LARGEST_SOURCE else None
        except Interrupted:
            return False
        except Refused:
            logger.debug("a picture gets no small one", extra={"kind": mime_type})
            key = None
        except MissingFile:  # until the sweep finds it: others must not wait behind it
            logger.warning("a picture is missing in the store of files", extra={"kind": mime_type})
            key, is_missing = None, True
        with self._database.write() as session:
            if not media.set_thumbnail(session, sha256, key, is_missing=is_missing) and key is not None:
                media.discard(session, [key], self._now())
        return True

    def _made(self, key: str, mime_type: str, is_stopping: Callable[[], bool]) -> str:
        opened = self._vault.open(key)
        try:
            incoming = self._vault.receive(opened, LARGEST_SOURCE)
        finally:
            opened.close()
        order = Order("thumbnail", mime_type, LARGEST_THUMBNAIL)
        with incoming, converted(order, incoming.file, seconds=SECONDS, is_stopping=is_stopping) as made:
            assert made.path is not None
            with Path(made.path).open("rb") as file:
                return self._vault.put(file, LARGEST_THUMBNAIL).key
