"""Record who was erased, and find out whom an older copy of the data must forget again."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.database import Database
from app.errors import Unavailable
from app.logs import get_logger
from app.security.encryption import CannotDecrypt, Encryptor
from app.services.erasures import ledger_file
from app.services.erasures.ledger_file import LedgerPart
from app.store import erasures

Name = tuple[str, str]
"""Kind and value of an id of Meta's: `wa_id` and a phone number, `user_id` and a BSUID."""

logger = get_logger(__name__)


class ErasureLedger:
    """The ledger in the database, and its copy in a file that a restore of the database does not replace.

    The hashes are HMACs with a random key, because phone numbers can be guessed from plain hashes. The key is stored
    encrypted, so that neither the file nor a backup tells who was erased without `ENCRYPTION_KEY`.
    """

    def __init__(self, database: Database, encryptor: Encryptor, path: Path) -> None:
        self._database = database
        self._encryptor = encryptor
        self._path = path

    def key(self, session: Session) -> tuple[bytes, str]:
        """Return the key, and as it is stored; make one if there is none. The session must be for writing."""
        wrapped = erasures.find_key(session)
        if wrapped is None:
            wrapped = erasures.add_key(session, self._encryptor.encrypt(secrets.token_hex(32)))
        return bytes.fromhex(self._encryptor.decrypt(wrapped)), wrapped

    def record(self, names: Iterable[Name], at: datetime) -> bytes:
        """Record that the person with these ids is erased, before that is done; return the key of the hashes.

        A file that cannot be written is logged: then the database alone knows. Raises `Unavailable`.
        """
        with self._database.write() as session:
            key, wrapped = self.key(session)
            hashes = dict.fromkeys((_hash(key, name) for name in names), at)
            erasures.add(session, hashes)
        try:
            ledger_file.append(self._path, wrapped, hashes)
        except OSError as error:
            logger.warning("the file of erased people cannot be written", extra={"error": type(error).__name__})
        return key

    def parts(self) -> list[LedgerPart]:
        """Return what the database holds, and what the file holds. Raises `Unavailable`, `OSError`."""
        with self._database.read() as session:
            wrapped, hashes = erasures.find_key(session), erasures.all_hashes(session)
        return [*([LedgerPart(wrapped, hashes)] if wrapped else []), *ledger_file.read(self._path)]

    def all_parts(self) -> list[LedgerPart]:
        """Return what the file holds, and what the database holds if it can be read. Raises `OSError`."""
        path = self._database.url.database
        if self._database.is_sqlite and path and not Path(path).exists():  # reading would create it
            return ledger_file.read(self._path)
        try:
            return self.parts()
        except (Unavailable, DBAPIError):  # it is gone, damaged, or of another schema
            return ledger_file.read(self._path)

    def people_to_forget(self, parts: Sequence[LedgerPart]) -> dict[str, datetime]:
        """Return the ids of stored contacts that were made before their person was erased, with the time of that.

        A person who wrote again after the erasure has a newer contact, which stays. Raises `CannotDecrypt` for a part
        whose key is encrypted with an `ENCRYPTION_KEY` that is not here, and `Unavailable`.
        """
        by_key = [(bytes.fromhex(self._encryptor.decrypt(part.wrapped_key)), part.hashes) for part in parts]
        found: dict[str, datetime] = {}
        with self._database.read() as session:
            for kind, value, contact_id, made_at in erasures.known_names(session):
                for key, hashes in by_key:
                    erased_at = hashes.get(_hash(key, (kind, value)))
                    if erased_at is not None and made_at < erased_at:
                        found[contact_id] = max(erased_at, found.get(contact_id, erased_at))
        return found

    def is_erased(self, name: Name) -> bool:
        """Whether a person with this id was ever erased. Raises `Unavailable`, `CannotDecrypt`."""
        with self._database.read() as session:
            wrapped, hashes = erasures.find_key(session), erasures.all_hashes(session)
        return wrapped is not None and _hash(bytes.fromhex(self._encryptor.decrypt(wrapped)), name) in hashes

    def adopt(self, parts: Sequence[LedgerPart]) -> None:
        """Take the hashes of other parts into the database and the file, as after a restore. Raises `Unavailable`.

        Parts of another key than the database's go into the file alone.
        """
        with self._database.write() as session:
            if erasures.find_key(session) is None and parts:
                erasures.add_key(session, parts[-1].wrapped_key)
            wrapped = erasures.find_key(session)
            same = [part for part in parts if wrapped and self._is_same(part.wrapped_key, wrapped)]
            for part in same:
                erasures.add(session, part.hashes)
        self.write_file(parts)

    def write_file(self, parts: Sequence[LedgerPart] = ()) -> None:
        """Bring the file up to date with the database: what it lacks is appended. Raises `Unavailable`."""
        try:
            known = {hash for part in ledger_file.read(self._path) for hash in part.hashes}
            for part in (*parts, *self.parts()[:1]):
                missing = {hash: at for hash, at in part.hashes.items() if hash not in known}
                if missing:
                    ledger_file.append(self._path, part.wrapped_key, missing)
                    known |= missing.keys()
        except OSError as error:
            logger.warning("the file of erased people cannot be written", extra={"error": type(error).__name__})

    def rewrite_file(self) -> None:
        """Write the file anew, with its keys encrypted with the first key of `ENCRYPTION_KEY`. Raises `Unavailable`."""
        try:
            if not self._path.exists():
                return
            parts = ledger_file.read(self._path)
            if all(self._encryptor.is_current(part.wrapped_key) for part in parts):
                return
            ledger_file.replace(self._path, [self._rewrapped(part) for part in parts])
        except (OSError, CannotDecrypt) as error:
            logger.warning("the file of erased people cannot be written", extra={"error": type(error).__name__})

    def _rewrapped(self, part: LedgerPart) -> LedgerPart:
        return LedgerPart(self._encryptor.encrypt_anew(part.wrapped_key), part.hashes)

    def _is_same(self, one: str, other: str) -> bool:
        try:
            return self._encryptor.decrypt(one) == self._encryptor.decrypt(other)
        except CannotDecrypt:
            return False


def _hash(key: bytes, name: Name) -> str:
    return hmac.new(key, f"{name[0]}:{name[1]}".encode(), hashlib.sha256).hexdigest()
