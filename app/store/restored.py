"""Rows of a restored copy that tell of processes which are gone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.models import Job, Message, SendAttempt, WebSeen, WorkerSeen
from app.store import registry

BATCH_SIZE = 500


def forget_processes(session: Session) -> None:
    """Delete the rows of workers and web processes that were alive when the copy was made."""
    session.execute(delete(WorkerSeen))
    session.execute(delete(WebSeen))


def release_claims(session: Session, now: datetime) -> None:
    """Make the jobs due that a worker had claimed."""
    session.execute(update(Job).where(Job.claim_id.is_not(None)).values(claim_id=None, due_at=now))


def bump_registry(session: Session) -> None:
    """Let every process read endpoints, numbers and keys again."""
    registry.bump(session)


def sending_to_unknown(session: Session, now: datetime) -> bool:
    """Move some messages that were just being sent, and their attempts, to `unknown`; return whether there were any."""
    ids = list(session.scalars(select(Message.id).where(Message.status == "sending").limit(BATCH_SIZE)))
    attempts = update(SendAttempt).where(SendAttempt.message_id.in_(ids), SendAttempt.state == "sending")
    unsynchronised = {"synchronize_session": False}
    session.execute(attempts.values(state="unknown", finished_at=now), execution_options=unsynchronised)
    moved = update(Message).where(Message.id.in_(ids)).values(status="unknown", updated_at=now)
    session.execute(moved, execution_options=unsynchronised)
    return bool(ids)
