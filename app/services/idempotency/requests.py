"""`Idempotency-Key` on requests that are no single message: an action, an endpoint, a number, a batch.

A key is taken before the request is carried out, and its answer is kept for 48 hours, encrypted. A request that
certainly did nothing gives its key back.
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
"""A request that has been running for longer has lost its process."""

NO_ANSWER = (
    "The first request with this Idempotency-Key ended without an answer. Look whether it was done; to do it again,"
    " take a new key."
)

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the first request with a key was answered: the HTTP status, and the body's text."""

    status: int
    text: str


class IdempotentRequests:
    """Carries out each request once. Threads may share it."""

    def __init__(self, database: Database, encryptor: Encryptor, now: Callable[[], datetime]) -> None:
        self._database = database
        self._encryptor = encryptor
        self._now = now

    def begin(self, retry: Retry) -> KeptAnswer | None:
        """Take the key, or return what the first request with it was answered.

        Raises `IdempotencyMismatch` if the key stands for another request, `IdempotencyConflict` if the first one is
        still running or nobody knows how it ended, and `Unavailable`.
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
        """Keep what the request was answered. If that cannot be, a retry is told that nobody knows how it ended."""
        self._change(retry, state="done", status=status, answer=self._encryptor.encrypt(text))

    def give_up(self, retry: Retry) -> None:
        """Note that nobody knows whether the request was done."""
        self._change(retry, state="unclear")

    def release(self, retry: Retry) -> None:
        """Give the key back: the request did nothing."""
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
    """Take a key for a new batch, in the transaction that makes the batch; return the batch that it stands for.

    That is another one if a request with this key was there before. Raises `IdempotencyMismatch`.
    """
    if idempotency.begin_request(session, _row(retry, now, state="done", batch_id=batch_id)):
        return batch_id
    return find_batch(session, retry) or batch_id


def find_batch(session: Session, retry: Retry) -> str | None:
    """Return the batch that a key stands for. Raises `IdempotencyMismatch`."""
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
