"""Send notifications: encrypted for the device, and posted to its vendor's push service."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from app.config.parsers import ROOT
from app.config.settings import Config
from app.db.database import Database
from app.domain.push import WAITS, WROTE
from app.logs import get_logger
from app.security.encryption import CannotDecrypt, Encryptor
from app.security.web_push import contact_of, encrypt_push, signed_headers
from app.services.registries import NumberDirectory
from app.store import jobs, push
from app.store.jobs import Claim
from app.subscribers.client import EndpointResponse

LIFETIME_SECONDS = 600
"""For so long a push service keeps a notification for a device that cannot be reached (`TTL`)."""

DEADLINE_SECONDS = 10.0
"""The limit of one post as a whole."""

LEASE = timedelta(seconds=60)
AT_ONCE = 8
"""Notifications that are posted at the same time, so that a slow push service delays few others."""

PAUSES = (10, 60, 300)
"""Seconds before the next attempts; after them the notification would come too late."""

GONE = (404, 410)
"""The answers by which a push service says that a device has no such subscription any more (RFC 8030)."""

Post = Callable[[str, Mapping[str, str], bytes], EndpointResponse]

logger = get_logger(__name__)


class SendPushes:
    """Carries out the jobs of notices. A job that a dead worker held is done again; the device shows one notification,
    because both have the tag of the conversation."""

    def __init__(
        self, config: Config, database: Database, encryptor: Encryptor, directory: NumberDirectory, post: Post,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        """`post` must refuse addresses that are not public, and follow no redirect: endpoints come from browsers."""
        self._secret_key = config.secret_key
        self._contact = contact_of(config.public_url, config.alert_email)
        self._database = database
        self._encryptor = encryptor
        self._directory = directory
        self._post = post
        self._now = now

    def __call__(self) -> bool:
        """Send the notifications that are due. Returns False when none was. Raises `Unavailable`."""
        now = self._now()
        if not jobs.any_due(self._database, push.KIND, now):
            return False
        with self._database.write() as session:
            claims = jobs.claim(session, push.KIND, now=now, lease=LEASE, limit=AT_ONCE)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(self._send, claims))
        return bool(claims)

    def _send(self, claim: Claim) -> None:
        with self._database.read() as session:
            row = push.find(session, claim.subject_id)
        if row is None or (row.numbers is not None and row.phone_number_id not in row.numbers):
            self._finish(claim)
            return
        try:
            keys = json.loads(self._encryptor.decrypt(row.device_keys))
        except CannotDecrypt:
            self._finish(claim, gone=row)
            return
        response = self._post(row.endpoint, self._headers(row), encrypt_push(self._text(row), keys))
        self._record(claim, row, response)

    def _headers(self, row: Any) -> dict[str, str]:
        return {
            **signed_headers(self._secret_key, row.endpoint, self._contact, self._now()),
            "TTL": str(LIFETIME_SECONDS),
            "Urgency": "high",
            # Replaces a notification of the same conversation that the push service still holds: 32 characters.
            "Topic": row.conversation_id.replace("-", "")[:32],
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
        }

    def _text(self, row: Any) -> str:
        number = self._directory.current.numbers.get(row.phone_number_id)
        display = number.display_phone_number if number else None
        title = _translated(WAITS if row.waiting_since is not None else WROTE, row.language)
        shown = f"+{display.lstrip('+')}" if display else ""
        return json.dumps({"title": title, "body": shown, "conversation": row.conversation_id})

    def _record(self, claim: Claim, row: Any, response: EndpointResponse) -> None:
        if response.is_success:
            self._finish(claim, told=row)
        elif response.status in GONE:
            self._finish(claim, gone=row)
        else:
            is_final = response.status is not None and response.status < 500 and response.status not in (408, 429)
            self._fail(claim, row, response.error or f"answered {response.status}", is_final=is_final)

    def _finish(self, claim: Claim, *, told: Any = None, gone: Any = None) -> None:
        with self._database.write() as session:
            jobs.finish(session, [claim])
            if told is not None:
                push.set_error(session, told.id, None)
            if gone is not None:
                push.remove_gone(session, gone.id, gone.endpoint)

    def _fail(self, claim: Claim, row: Any, reason: str, *, is_final: bool) -> None:
        logger.warning("a device could not be notified", extra={"reason": reason, "attempts": claim.attempts})
        with self._database.write() as session:
            push.set_error(session, row.id, reason)
            if is_final or claim.attempts > len(PAUSES):
                jobs.finish(session, [claim])
            else:
                due_at = self._now() + timedelta(seconds=PAUSES[claim.attempts - 1])
                jobs.release(session, [claim], due_at, reason)


def _translated(text: str, language: str) -> str:
    from babel.support import Translations  # loaded by the first notification, not by each worker

    return str(Translations.load(str(ROOT / "app" / "translations"), [language]).gettext(text))
