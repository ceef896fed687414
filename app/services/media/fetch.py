"""Fetch the files that customers sent from Meta into the vault.

`fetch` does the slow part for one file, without a database; `FetchQueue` claims due files and records what became of
them, several in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.domain.media import URL_LIFETIME, MediaState, hexadecimal, largest_received
from app.domain.media_types import MediaType, detect
from app.errors import GatewayError, GraphError, GraphUnauthorised
from app.graph.files import Download
from app.services.media.from_meta import MetaFiles, is_missing
from app.store.jobs import Claim
from app.store.media import WantedFile
from app.vault import Incoming, TooLong, Vault

MOST_MISMATCHES = 3
"""After so many fetches whose content is not what the webhook announced, the file is refused."""

_FRESH = URL_LIFETIME * 0.8


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one fetch.

    With a `key` the content is in the vault. Without, `reason` says why; the fetch is repeated unless `is_final`.
    """

    claim: Claim
    file: WantedFile
    key: str | None = None
    sha256: str = ""
    size: int = 0
    kind: MediaType = MediaType("application/octet-stream")
    reason: str = ""
    is_final: bool = False


class Mismatch(Exception):
    """The content is not the one that Meta announced."""


class FetchFile:
    """Fetches one file: from the URL of its webhook while that is fresh, else from the URL that Graph gives for its id.

    Safe to repeat and to be killed. It reads Meta's answer in pieces, and stops at the limit for the type of message,
    whatever length was announced.
    """

    def __init__(self, meta: MetaFiles, vault: Vault, now: Callable[[], datetime]) -> None:
        self._meta = meta
        self._vault = vault
        self._now = now

    def __call__(self, claim: Claim, file: WantedFile) -> Fetched:
        """Fetch a file. Every failure is part of the result."""
        try:
            with self._receive(file) as incoming:
                kind = detect(incoming.file, file.declared_type, file.filename)
                key = self._vault.keep(incoming)
                return Fetched(claim, file, key, incoming.sha256, incoming.size, kind)
        except TooLong as error:
            return Fetched(claim, file, reason=error.message, is_final=True)
        except Mismatch:
            reason = "What Meta gave has another SHA-256 than its webhook said."
            return Fetched(claim, file, reason=reason, is_final=claim.attempts >= MOST_MISMATCHES)
        except GatewayError as error:
            return Fetched(claim, file, reason=_told(error))

    def _receive(self, file: WantedFile) -> Incoming:
        if file.url and self._now() < file.created_at + _FRESH:
            try:
                return self._spool(file, self._meta.open(file.url, file.phone_number_id), file.declared_sha256)
            except (GraphError, Mismatch) as error:
                # The URL may have been used up or replaced. A token that Meta refuses would be refused again.
                if isinstance(error, GraphUnauthorised) or not file.meta_media_id:
                    raise
        info = self._meta.look_up(file.meta_media_id or "", file.phone_number_id)
        return self._spool(
            file, self._meta.open(info.url, file.phone_number_id), file.declared_sha256 or hexadecimal(info.sha256)
        )

    def _spool(self, file: WantedFile, download: Download, sha256: str | None) -> Incoming:
        limit = largest_received(file.message_type)
        try:
            if (download.size or 0) > limit:
                raise TooLong(f"The file is announced with {download.size:,} bytes; the limit is {limit:,}.")
            incoming = self._vault.receive(download, limit)
        finally:
            download.close()
        if sha256 is not None and incoming.sha256 != sha256:
            incoming.close()
            raise Mismatch
        return incoming


def _told(error: GatewayError) -> str:
    if isinstance(error, GraphError) and is_missing(error):
        return "Meta says that it has no such file, or shows it to nobody with this number's token."
    reason = (error.meta or {}).get("reason")
    return f"{error.message} ({reason})" if reason else error.message


def state_of(fetched: Fetched, now: datetime) -> MediaState:
    """Return the state that a file has after a fetch; `pending` if it is to be fetched again."""
    if fetched.key is not None:
        return MediaState.STORED
    if fetched.is_final:
        return MediaState.REFUSED
    return MediaState.GONE if now >= fetched.file.expires_at else MediaState.PENDING
