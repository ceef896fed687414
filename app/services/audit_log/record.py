"""Record acts, and erase their details."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.actors import current_actor
from app.db.database import Database
from app.domain.audit_chain import commit
from app.models import AuditEntry
from app.store import audit_log


class AuditLog:
    """Records acts with the time of the gateway's clock."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def record(
        self,
        session: Session,
        *,
        act: str,
        subject: str,
        actor: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Record an act in the caller's transaction: see `record_act`."""
        record_act(session, self._now(), act=act, subject=subject, actor=actor, details=details)

    def record_now(self, *, act: str, subject: str, details: dict[str, Any] | None = None) -> None:
        """Record an act that writes nothing else, such as a download, before it is done. Raises `Unavailable`."""
        with self._database.write() as session:
            self.record(session, act=act, subject=subject, details=details)


def record_act(
    session: Session,
    now: datetime,
    *,
    act: str,
    subject: str,
    actor: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Record an act in the caller's transaction, so that one is never stored without the other.

    `act` is a noun and a past participle (`endpoint.changed`), `subject` a kind and an id of ours (`contact:<id>`),
    never a number or name of a person: it is not erased. `details` is a JSON object, and erasable. `actor` is, unless
    given, who acts in this request or command (`acting_as`). Never pass secrets.
    """
    text = json.dumps(details or {}, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str)
    salt = secrets.token_hex(32)
    audit_log.add(
        session,
        {
            "at": now,
            "actor": actor or current_actor(),
            "act": act,
            "subject": subject,
            "details": text,
            "salt": salt,
            "commitment": commit(text, salt),
        },
    )


def record_sent_by_hand(session: Session, now: datetime, message_id: str) -> None:
    """Record a message that a person sends from the inbox. Sends of programs are in the list of messages alone."""
    if current_actor().startswith("person:"):
        record_act(session, now, act="message.sent", subject=f"message:{message_id}")


def erase_details(session: Session, entries: Sequence[AuditEntry], key: bytes) -> None:
    """Replace each value in the details of entries by a pseudonym, and delete the salts. The chain stays intact.

    Equal values get equal pseudonyms (an HMAC with `key`), so that it can still be seen which entries belong together.
    """
    rows = [(entry.id, _dumped(_pseudonymous(json.loads(entry.details), key))) for entry in entries]
    audit_log.erase(session, rows)


def _pseudonymous(value: Any, key: bytes) -> Any:
    if isinstance(value, dict):
        return {name: _pseudonymous(each, key) for name, each in value.items()}
    if isinstance(value, list):
        return [_pseudonymous(each, key) for each in value]
    if value is None or isinstance(value, bool):
        return value
    return "erased:" + hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()[:16]


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
