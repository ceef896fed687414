"""Keep the user's endpoints in memory: the one that the settings define, and those added while the gateway runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from app.config.settings import Config
from app.db.database import Database
from app.domain.breaker import Health
from app.domain.endpoints import OF_THE_SETTINGS, Endpoint, Format
from app.domain.known_names import plain
from app.logs import get_logger
from app.models import Endpoint as Row
from app.security.encryption import CannotDecrypt, Encryptor
from app.services.registries.versions import Registry, changing
from app.store import endpoints, events
from app.store import registry as store

REFRESH_SECONDS = 3.0
"""How old the endpoints' health in memory may be, which other workers change too. All other values are never older than
the registry's version."""

HEALTHY: dict[str, Any] = {"failures": 0, "silences": 0, "opens": 0, "open_until": None, "failing_since": None}
"""The columns of `Health` with the values of a healthy endpoint."""

OLD_SECRET_LIFETIME = timedelta(hours=24)
"""How long a replaced secret still signs, in addition to the new one."""

logger = get_logger(__name__)


class EndpointDirectory:
    """Keeps the endpoints in memory, and reads them from the database again after any process has changed one."""

    def __init__(
        self, config: Config, database: Database, encryptor: Encryptor, registry: Registry, now: Callable[[], datetime]
    ) -> None:  # fmt: skip
        self._config = config
        self._database = database
        self._encryptor = encryptor
        self._now = now
        self._registry = registry
        self._known: tuple[Endpoint, ...] = ()
        self._version: int | None = None
        self._told: tuple[int, tuple[Endpoint, ...]] | None = None
        self._read_at: float | None = None
        self._mutex = threading.Lock()

    @property
    def current(self) -> tuple[Endpoint, ...]:
        """The endpoints, with every change that was committed before this call. Raises `Unavailable`."""
        version = self._registry.version()
        with self._mutex:
            is_old = self._read_at is None or time.monotonic() - self._read_at > REFRESH_SECONDS
            if is_old or self._version != version:
                self._version, self._known = self._read()
                self._read_at = time.monotonic()
            return self._known

    def forget(self) -> None:
        """Discard the endpoints in memory after a change, so that the next use reads them from the database."""
        self._read_at = None

    def read(self) -> tuple[Endpoint, ...]:
        """Return the endpoints as they are in the database now. Raises `Unavailable`."""
        return self._read()[1]

    def to_tell(self, session: Session) -> tuple[Endpoint, ...]:
        """Return the endpoints that deliveries of this transaction's events can be for, without their secrets.

        Call it while the transaction holds the lock for writing events: then no endpoint committed before is missed.
        """
        version = store.version(session)
        if self._told is None or self._told[0] != version:
            self._told = version, tuple(to_endpoint(row, ()) for row in endpoints.all_endpoints(session))
        return self._told[1]

    def _read(self) -> tuple[int, tuple[Endpoint, ...]]:
        with self._database.read() as session:
            version, rows = store.version(session), endpoints.all_endpoints(session)
        return version, tuple(self.to_domain(row) for row in rows)

    def to_domain(self, row: Row) -> Endpoint:
        """Return the endpoint of a row with its decrypted secrets."""
        return to_endpoint(row, self._secrets(row))

    def follow_settings(self, tell: Callable[[Session, str], object]) -> bool:
        """Create, change or remove the endpoint of `FORWARD_URL`, so that it agrees with the settings. For the worker.

        `tell` is called in the same transaction, which holds the lock for writing events, with the change of an
        existing endpoint: "removed", "redirected to bot.example". Returns whether the URL or the secret changed, since
        deliveries that failed before may then succeed. Raises `Unavailable`.
        """
        with self._database.read() as session:
            before = endpoints.find_any(session, OF_THE_SETTINGS)
        if not self._config.forward_url:
            if before is not None and before.removed_at is None:
                with changing(self._database) as session:
                    events.take_turn(session)
                    endpoints.set_values(session, OF_THE_SETTINGS, removed_at=self._now())
                    tell(session, "removed")
            return False
        is_other = False
        if before is None:
            self._make()
        elif changes := self._changes(before, self._wanted()):
            with changing(self._database) as session:
                events.take_turn(session)
                endpoints.set_values(session, OF_THE_SETTINGS, **changes)
                tell(session, _what_became(self._config.forward_url, changes))
            is_other = bool(changes.keys() & {"url", "secret"})
        self.forget()
        return is_other

    def make_of_settings(self) -> None:
        """Create the endpoint of `FORWARD_URL` unless it exists. Raises `Unavailable`.

        Called as soon as the tables exist, so that already the first event is delivered to it.
        """
        with self._database.read() as session:
            before = endpoints.find_any(session, OF_THE_SETTINGS)
        if self._config.forward_url and before is None:
            self._make()

    def _make(self) -> None:
        row = new_row(OF_THE_SETTINGS, self._now(), secret=self._encryptor.encrypt(self._config.forward_secret))
        for name, value in self._wanted().items():
            setattr(row, name, value)
        with changing(self._database) as session:
            endpoints.add_new(session, row)
        logger.info("the settings' endpoint was made", extra={"endpoint_id": OF_THE_SETTINGS})

    def _wanted(self) -> dict[str, object]:
        config = self._config
        return {"url": config.forward_url, "format": config.forward_format, "replies": config.forward_replies}

    def _changes(self, before: Row, wanted: dict[str, object]) -> dict[str, object]:
        now = self._now()
        changes = {name: value for name, value in wanted.items() if getattr(before, name) != value}
        if before.removed_at is not None:
            changes["removed_at"] = None
        if self._secrets(before)[:1] != (self._config.forward_secret,):
            changes["secret"] = self._encryptor.encrypt(self._config.forward_secret)
            changes |= {"old_secret": before.secret, "old_secret_until": now + OLD_SECRET_LIFETIME}
        if "url" in changes:
            changes["disabled_at"] = None
        if changes.keys() & {"url", "secret"}:  # failures with the old values say nothing about the new ones
            changes |= HEALTHY
        return changes | ({"updated_at": now} if changes else {})

    def _secrets(self, row: Row) -> tuple[str, ...]:
        is_kept = row.old_secret_until is not None and row.old_secret_until > self._now()
        found = []
        for token in (row.secret, row.old_secret if is_kept else None):
            try:
                found += [self._encryptor.decrypt(token)] if token else []
            except CannotDecrypt:
                logger.error("an endpoint's secret cannot be decrypted", extra={"endpoint_id": row.id})
        return tuple(found)


def _what_became(url: str, changes: Mapping[str, object]) -> str:
    host = urlsplit(url).hostname
    if "removed_at" in changes:
        return f"brought back, to {host}"
    if "url" in changes:
        return f"redirected to {host}"
    return f"given another {' and '.join(name for name in ('format', 'replies', 'secret') if name in changes)}"


def to_endpoint(row: Row, secrets: tuple[str, ...]) -> Endpoint:
    """Return the endpoint of a row with these secrets. Without a secret it is not open, unless it is a handler.

    `FORWARD_FORMAT` and `FORWARD_REPLIES` may have changed, so values that they exclude (`batch`, …) are ignored.
    """
    is_event = row.format == Format.EVENT
    return Endpoint(
        id=row.id,
        url=row.url,
        format=Format(row.format),
        secrets=secrets,
        ordered=row.ordered,
        replies=row.replies,
        is_open=_is_open(row) and (bool(secrets) or row.format == Format.HANDLER),
        types=None if row.types is None else tuple(map(plain, row.types)),
        statuses=None if row.statuses is None else tuple(map(plain, row.statuses)),
        message_types=None if row.message_types is None else tuple(map(plain, row.message_types)),
        numbers=None if row.numbers is None else tuple(row.numbers),
        max_age_seconds=row.max_age_seconds,
        max_per_second=row.max_per_second,
        max_in_flight=row.max_in_flight,
        debounce_seconds=row.debounce_seconds if is_event else None,
        batch=row.batch if is_event and not row.replies and not row.debounce_seconds else None,
        split=row.split or row.ordered or row.format != Format.META,
        health=health_of(row),
    )


def _is_open(row: Row) -> bool:
    return not row.paused and row.disabled_at is None and row.removed_at is None


def health_of(row: Row) -> Health:
    """Return the health of an endpoint's row."""
    return Health(row.failures, row.silences, row.opens, row.open_until, row.failing_since)


def new_row(endpoint_id: str, now: datetime, *, secret: str) -> Row:
    """Return a row for an endpoint that gets all events. `secret` is encrypted; the caller sets URL and format."""
    return Row(
        id=endpoint_id, secret=secret, ordered=True, replies=False, paused=False, split=True, failures=0, silences=0,
        opens=0, created_at=now, updated_at=now,
    )  # fmt: skip
