"""Idempotency keys of requests other than a single send: an action, an endpoint, a number, a batch.

A key is claimed before the request is carried out, and the answer is stored encrypted for 48 hours. A request that
certainly changed nothing releases its key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.db.database import Database
from app.errors import IdempotencyConflict, IdempotencyMismatch, Unavailable
from app.logs import get_logger
from app.models import IdempotentRequest
from app.security.encryption import CannotDecrypt, Encryptor
from app.services.idempotency.keys import Retry
from app.store import idempotency

LONGEST_REQUEST = timedelta(minutes=10)
"""A request that runs for longer has lost its process."""

NO_ANSWER = (
    "The first request with this Idempotency-Key ended without an answer. Look whether it was done; to do it again,"
    " take a new key."
)

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The stored answer of the first request with a key: the HTTP status and the body."""

    status: int
    text: str


class IdempotentRequests:
    """Claims keys and stores answers. Threads may share it."""

    def __init__(self, database: Database, encryptor: Encryptor, now: Callable[[], datetime]) -> None:
        self._database = database
        self._encryptor = encryptor
        self._now = now

    def begin(self, retry: Retry) -> KeptAnswer | None:
        """Claim the key and return None; return the stored answer if the key was used before.

        Raises `IdempotencyMismatch` if the key was used for another request, `IdempotencyConflict` if the first one is
        still running or its outcome is not known, and `Unavailable`.
        """
        now = self._now()
        with self._database.write() as session:
            found = idempotency.find_request(session, retry.caller, retry.written or "")
            if found is None and idempotency.begin_request(session, _row(retry, now, state="running")):
                return None
            found = found or idempotency.find_request(session, retry.caller, retry.key)
            assert found is not None
            _check(found, retry)
            if found.state == "done" and found.answer is not None:
                return self._kept(found)
            if found.state == "running" and now - found.started_at < LONGEST_REQUEST:
                raise IdempotencyConflict
            raise _no_answer()

    def finish(self, retry: Retry, status: int, text: str) -> None:
        """Store the answer. If the database is away, a retry is answered that the outcome is not known."""
        self._change(retry, state="done", status=status, answer=self._encryptor.encrypt(text))

    def give_up(self, retry: Retry) -> None:
        """Record that the outcome of the request is not known."""
        self._change(retry, state="unclear")

    def release(self, retry: Retry) -> None:
        """Delete the key, since the request changed nothing."""
        try:
            with self._database.write() as session:
                idempotency.remove_request(session, retry.caller, retry.key)
        except Unavailable:
            logger.warning("an Idempotency-Key could not be given back; it answers 409 until it is forgotten")

    def _change(self, retry: Retry, **values: object) -> None:
        try:
            with self._database.write() as session:
                idempotency.change_request(session, retry.caller, retry.key, **values)
        except Unavailable:
            logger.warning("the outcome of a request with an Idempotency-Key could not be kept")

    def _kept(self, found: IdempotentRequest) -> KeptAnswer:
        try:
            return KeptAnswer(found.status or 200, self._encryptor.decrypt(found.answer or ""))
        except CannotDecrypt:
            raise _no_answer() from None


def claim_batch(session: Session, retry: Retry, batch_id: str, now: datetime) -> str:
    """Claim a key for a new batch, in the transaction that writes the batch; return the key's batch.

    That is another batch if the key was used before. Raises `IdempotencyMismatch`.
    """
    if idempotency.begin_request(session, _row(retry, now, state="done", batch_id=batch_id)):
        return batch_id
    return find_batch(session, retry) or batch_id


def find_batch(session: Session, retry: Retry) -> str | None:
    """Return the id of the batch a key was used for; None for a new key. Raises `IdempotencyMismatch`."""
    found = idempotency.find_request(session, retry.caller, retry.key)
    if found is None:
        return None
    _check(found, retry)
    return found.batch_id


def _row(retry: Retry, now: datetime, **values: object) -> dict[str, object]:
    given = {"caller": retry.caller, "key": retry.key, "fingerprint": retry.fingerprint, "started_at": now}
    return {**given, "forget_at": now + retry.kept_for, "status": None, "answer": None, "batch_id": None, **values}


def _check(found: IdempotentRequest, retry: Retry) -> None:
    if found.fingerprint != retry.fingerprint:
        raise IdempotencyMismatch


def _no_answer() -> IdempotencyConflict:
    error = IdempotencyConflict(NO_ANSWER)
    error.retryable = False
    return error
