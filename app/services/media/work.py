"""The services of a worker that keeps files, together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Database
from app.services.media.fetch import FetchFile
from app.services.media.from_meta import MetaFiles
from app.services.media.orphans import SweepOrphans
from app.services.media.queue import DiscardContents, FetchQueue
from app.services.media.thumbnails import MakeThumbnails
from app.vault import Vault


@dataclass(frozen=True, slots=True)
class MediaWork:
    """What a worker does with files: claim and record fetches, fetch one, delete and sweep contents, make
    small pictures."""

    queue: FetchQueue
    fetch: FetchFile
    discard: DiscardContents
    sweep_orphans: SweepOrphans
    make_thumbnails: MakeThumbnails

    @classmethod
    def of(
        cls, database: Database, vault: Vault | None, meta: MetaFiles, now: Callable[[], datetime]
    ) -> MediaWork | None:
        """Return the services for a vault; None without one, because files are not kept then."""
        if vault is None:
            return None
        return cls(
            FetchQueue(database, now),
            FetchFile(meta, vault, now),
            DiscardContents(database, vault, now),
            SweepOrphans(database, vault, now),
            MakeThumbnails(database, vault, now),
        )
