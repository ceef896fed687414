"""Queued sends whose files are not at Meta yet: which files they need, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.conversion.process import Interrupted
from app.conversion.refusal import Refused
from app.db.database import Database
from app.domain import rate_limits
from app.domain.media import KEPT_UPLOAD, MediaState
from app.errors import GatewayError, GraphError, GraphRefused, Invalid, Unavailable
from app.logs import get_logger
from app.models import Message
from app.services.outbound_media.to_meta import PutAtMeta
from app.services.registries import NumberDirectory
from app.services.sending import MARGIN, MediaPlan, Missing, fail_sends, make_due, plan_media, status_error
from app.store import events, jobs, media, meta_uploads
from app.store.meta_uploads import AWAITING, DueSend, UploadKey
from app.subscribers.link_client import CannotFetch
from app.vault import MissingFile, is_full

BATCH_SIZE = 32
LEASE = timedelta(seconds=30)
LOOK_AGAIN = timedelta(seconds=5)
"""A send that waits for an upload is looked at so often. The end of the upload makes it due at once."""

MAX_TRIES = 10
"""How often an upload is tried that fails for the moment: over about eight minutes."""

logger = get_logger(__name__)


LINK_LIFETIME = timedelta(minutes=10)
"""How long a link's file serves other sends of the same link: as long as Meta would keep it. Source: Meta,
messages/image-messages."""


class _NotYet(Exception):
    """The file is still being fetched from Meta; the send is looked at again."""


@dataclass(frozen=True, slots=True)
class AwaitedUpload:
    """An upload to make now, and the messages that are known to wait for it."""

    missing: Missing
    message_ids: set[str] = field(default_factory=set)

    @property
    def key(self) -> UploadKey:
        """What the upload serves."""
        return self.missing.key


@dataclass(frozen=True, slots=True)
class _Looked:
    """A due job, its message (None: gone, or not waiting any more), and what is known of the files."""

    job: DueSend
    message: Message | None
    plan: MediaPlan | None = None
    error: dict[str, Any] | None = None
    later: datetime | None = None


class SendsAwaitingMedia:
    """Finds the uploads that queued sends wait for, makes them, and lets the sends go out or fail."""

    def __init__(
        self, database: Database, directory: NumberDirectory, put_at_meta: PutAtMeta, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._directory = directory
        self._put_at_meta = put_at_meta
        self._now = now

    def has_due(self) -> bool:
        """Whether a job is due. Takes no lock. Raises `Unavailable`."""
        return jobs.any_due(self._database, AWAITING, self._now())

    def look(self) -> list[AwaitedUpload]:
        """Make sends due whose files are at Meta, fail those whose files cannot be; return the uploads to make."""
        now = self._now()
        with self._database.read() as session:
            looked = [self._look_at(session, job, now) for job in meta_uploads.due_sends(session, now, BATCH_SIZE)]
        if not looked:
            return []
        uploads: dict[UploadKey, AwaitedUpload] = {}
        with self._database.write() as session:
            events.take_turn(session)
            ids = [each.job.id for each in looked]
            held = {claim.job_id: claim for claim in jobs.claim_these(session, AWAITING, ids, now=now, lease=LEASE)}
            mine = [each for each in looked if each.job.id in held]
            done = [each for each in mine if self._settle(session, each, now)]
            jobs.finish(session, [held[each.job.id] for each in done])
            for each in mine:
                if each in done:
                    continue
                jobs.release(session, [held[each.job.id]], each.later or now + LOOK_AGAIN)
                for missing in each.plan.missing if each.plan and not each.later else ():
                    found = uploads.setdefault(missing.key, AwaitedUpload(missing))
                    found.message_ids.add(each.job.message_id)
        return list(uploads.values())

    def _look_at(self, session: Session, job: DueSend, now: datetime) -> _Looked:
        message = session.get(Message, job.message_id)
        if message is None or message.status not in ("queued", "held"):
            return _Looked(job, None)
        try:
            plan = plan_media(session, message, now)
        except Invalid as error:  # erased, or lost, since the send was accepted
            return _Looked(job, message, error=_error(next(iter((error.fields or {}).values()), [error.message])[0]))
        later = None
        for missing in plan.missing:
            known = meta_uploads.find(session, missing.key)
            if known is not None and known.error is not None and known.failed_at and known.failed_at >= job.created_at:
                return _Looked(job, message, error=known.error)
            if known is not None and known.due_at is not None and known.due_at > now:
                later = max(later or known.due_at, known.due_at)
        session.expunge(message)
        return _Looked(job, message, plan, later=later)

    def _settle(self, session: Session, looked: _Looked, now: datetime) -> bool:
        """Make the send due or fail it; return whether its job is done."""
        if looked.message is None:
            return True
        if looked.error is not None:
            fail_sends(session, {looked.job.message_id: looked.error}, now)
            return True
        if looked.plan is None or looked.plan.missing:
            return False
        message = session.get(Message, looked.job.message_id)
        if message is not None:
            make_due(session, message, looked.plan.uploads, now)
        return True

    def upload(self, awaited: AwaitedUpload, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """Make one upload and record what became of it. Raises `Unavailable` if the database cannot be written."""
        try:
            meta_id = self._put(awaited, is_stopping)
        except (Interrupted, _NotYet):
            return
        except Refused as refusal:
            self._fail(awaited, _error(str(refusal)))
        except MissingFile:
            self._fail(awaited, _error("The file is missing in the store of files."))
        except CannotFetch as error:
            self._cannot_fetch(awaited, error)
        except GraphRefused as error:
            self._fail(awaited, status_error(error))
        except GatewayError as error:
            self._try_later(awaited, error)
        except Exception as error:
            if is_full(error):  # the file itself may be well
                self._try_later(awaited, Unavailable("The disk for temporary files is full."))
                return
            logger.exception("a file could not be uploaded", extra={"media_id": awaited.missing.media_id})
            self._fail(awaited, _error("The file could not be prepared, by a fault of this gateway; its log has more."))
        else:
            self._save(awaited, meta_id)

    def _put(self, awaited: AwaitedUpload, is_stopping: Callable[[], bool]) -> str:
        missing = awaited.missing
        number = self._directory.current.find(missing.key.phone_number_id)
        if number is None:
            raise Refused("The number that was to send the file is not there any more.")
        if missing.link:
            return self._put_at_meta.link(missing.link, missing.purpose, number, is_stopping)
        with self._database.read() as session:
            found = media.find(session, missing.media_id)
        if found is None:
            raise Refused("The file is not there any more.")
        if found.state is MediaState.PENDING:
            raise _NotYet
        return self._put_at_meta(found, missing.purpose, number, is_stopping)

    def _cannot_fetch(self, awaited: AwaitedUpload, error: CannotFetch) -> None:
        sentence = f"The file behind the link cannot be fetched: {error}."
        if error.is_final:
            self._fail(awaited, _error(sentence))
        else:
            self._try_later(awaited, Unavailable(sentence))

    def _save(self, awaited: AwaitedUpload, meta_id: str) -> None:
        now = self._now()
        lifetime = MARGIN + LINK_LIFETIME if awaited.missing.link else KEPT_UPLOAD
        with self._database.write() as session:
            meta_uploads.save(session, awaited.key, meta_id, now + lifetime)
            meta_uploads.purge(session, now)
            meta_uploads.wake(session, awaited.message_ids, now)
        logger.debug("a file is at Meta", extra={"media_id": awaited.missing.media_id})

    def _fail(self, awaited: AwaitedUpload, error: dict[str, Any]) -> None:
        now = self._now()
        with self._database.write() as session:
            meta_uploads.fail(session, awaited.key, error, now)
            meta_uploads.wake(session, awaited.message_ids, now)
        logger.warning("a file cannot be sent", extra={"media_id": awaited.missing.media_id})

    def _try_later(self, awaited: AwaitedUpload, error: GatewayError) -> None:
        now = self._now()
        with self._database.write() as session:
            known = meta_uploads.find(session, awaited.key)
            tries = (known.tries if known is not None else 0) + 1
            if tries < MAX_TRIES:
                delay = rate_limits.retry_delay(tries, error.retry_after)
                meta_uploads.postpone(session, awaited.key, now + delay)
                return
            why = status_error(error) if isinstance(error, GraphError) else _error(error.message)
            meta_uploads.fail(session, awaited.key, why, now)
            meta_uploads.wake(session, awaited.message_ids, now)


def _error(sentence: str) -> dict[str, Any]:
    return {"code": None, "title": sentence, "details": None}
