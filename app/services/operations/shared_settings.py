"""Compare the settings of all workers on one database, and decide whose apply while they differ.

Each worker leaves hashes of its settings in its row of `workers`. The worker that has been alive for longest counts:
one that came later and has other settings leaves the settings' endpoint and the handlers alone until the other is gone.
With another `ENCRYPTION_KEY` it does not work at all.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cached_property
from itertools import combinations

from sqlalchemy.orm import Session

from app import clock
from app.config.settings import Config, setting_name, settings
from app.db.database import Database
from app.domain.alerts import Finding
from app.domain.endpoints import OF_THE_SETTINGS
from app.errors import ConfigError
from app.ids import new_id
from app.logs import get_logger
from app.models import WebSeen, WorkerSeen
from app.services.alerts import Alerts
from app.services.delivering import unblock_endpoint
from app.services.registries import EndpointDirectory, limits_of
from app.store import workers

ENDPOINT_CHANGED = "endpoint_changed"
WORKER_REFUSED = "worker_refused"
KEY = "ENCRYPTION_KEY"
HANDLERS = "HANDLERS"
OF_THE_ENDPOINT = {"FORWARD_URL", "FORWARD_SECRET", "FORWARD_FORMAT", "FORWARD_REPLIES"}
SHARED = OF_THE_ENDPOINT | {
    KEY, HANDLERS, "MESSAGES_PER_SECOND", "UNKNOWN_SEND_POLICY", "UNKNOWN_SEND_SECONDS", "WHATSAPP_ACCESS_TOKEN",
    "WHATSAPP_APP_SECRET", "WHATSAPP_APP_ID", "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_BUSINESS_ACCOUNT_ID",
    "OPT_OUT_WORDS", "HANDOVER_HOURS",
}  # fmt: skip
"""The settings that must be equal. The rest is each machine's own: its port, its threads, its logs."""

FORGET_AFTER = timedelta(hours=1)

EMBEDDED = "(embedded)"
"""Stands among the hashes of a worker that the web server started. No setting has such a name."""

Hashes = Mapping[str, Sequence[str]]
"""By a setting's name: one hash, none if it is not set, or of `KEY` one for each key."""

logger = get_logger(__name__)


class SharedSettings:
    """What a worker says of its settings, and what it may do with them."""

    def __init__(
        self,
        config: Config,
        database: Database,
        endpoints: EndpointDirectory,
        alerts: Alerts,
        now: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._database = database
        self._endpoints = endpoints
        self._alerts = alerts
        self._now = now
        self._id = new_id()
        self._host = ""
        self._joined_at: datetime | None = None
        self._seen_at: datetime | None = None
        self._woke_at: datetime | None = None
        self._mutex = threading.Lock()
        self._put_off: frozenset[str] = frozenset()
        self._is_followed = False
        self.is_embedded = False

    @cached_property
    def hashes(self) -> dict[str, list[str]]:
        """The hashes of this process's settings. Takes a tenth of a second, once."""
        return hashes_of(self._config)

    def beat(self, host: str) -> None:
        """Say that this worker is alive, and do what its settings ask for as soon as it may.

        Raises `ConfigError` where another worker has another encryption key, and `Unavailable`.
        """
        with self._mutex:
            now = self._now()
            self._host = host
            joined_at = self._say_alive(now)
            if self._seen_at is not None and now - self._seen_at >= workers.SILENT_AFTER:
                self._woke_at = now
            self._seen_at = now
            if self._woke_at is not None and now - self._woke_at < workers.SILENT_AFTER:
                return  # this worker was silent itself, or the database away: others need time to say that they live
            self._look_at_others(joined_at, now)
            if not self._is_followed and not self._put_off & OF_THE_ENDPOINT:
                if self._endpoints.follow_settings(self._tell_change):
                    unblock_endpoint(self._database, OF_THE_SETTINGS, self._now)
                self._is_followed = True

    def _say_alive(self, now: datetime) -> datetime:
        """Write this worker's row. Return since when it has been one of the living."""
        ahead = round(clock.machine_is_ahead().total_seconds(), 1)
        with self._database.write() as session:
            joined_at = self._joined_at
            if joined_at is None or not workers.is_known(session, self._id):
                joined_at, self._is_followed = now, False
            workers.seen(
                session, self._id, now, now - FORGET_AFTER, self._host, ahead, joined_at=joined_at,
                settings=json.dumps(self._told()), **asdict(limits_of(self._config)),
            )  # fmt: skip
        self._joined_at = joined_at
        return joined_at

    def _told(self) -> Hashes:
        return {**self.hashes, EMBEDDED: ["yes"]} if self.is_embedded else self.hashes

    def has_embedded(self) -> bool:
        """Whether a worker is alive that a web server started, other than this. Raises `Unavailable`."""
        with self._database.read() as session:
            return any(row.id != self._id and EMBEDDED in _hashes(row) for row in workers.living(session, self._now()))

    def _look_at_others(self, joined_at: datetime, now: datetime) -> None:
        with self._database.read() as session:
            rows = workers.living(session, now)
        before = [row for row in rows if row.joined_at and (row.joined_at, row.id) < (joined_at, self._id)]
        put_off = frozenset(name for row in before for name in _unequal(self.hashes, _hashes(row)))
        if KEY in put_off:
            self.leave()
            with self._database.write() as session:
                self._alerts.raise_in(session, WORKER_REFUSED, Finding(self._host or "?"))
            hosts = ", ".join(sorted({row.host or "?" for row in before}))
            raise ConfigError(
                [
                    f"{KEY}: is not that of the worker that already uses this database (on {hosts}); give both the"
                    " same, or stop the other one first. After a kill it counts as running for half a minute"
                ]
            )
        if put_off != self._put_off:
            self._say(put_off)
        if not put_off and (self._put_off or not self._is_followed):
            with self._database.write() as session:
                workers.take_place(session, joined_at, now)
        self._put_off = put_off

    def _say(self, put_off: frozenset[str]) -> None:
        if put_off:
            logger.warning(
                "an older worker has other settings; until it is gone its endpoint and handlers count, and the"
                " stricter limits",
                extra={"reason": ", ".join(sorted(put_off))},
            )
        else:
            logger.info("this worker's settings count")

    def may_follow(self, name: str) -> bool:
        """Whether this worker's value of a setting counted at the last beat."""
        return self._joined_at is not None and name not in self._put_off

    def leave(self) -> None:
        """Say that this worker is gone, so that another's settings count at once. Raises `Unavailable`."""
        with self._database.write() as session:
            workers.left(session, self._id)

    def unequal(self) -> list[str]:
        """The settings in which processes that are alive, this one among them, differ. Raises `Unavailable`."""
        now = self._now()
        with self._database.read() as session:
            rows: list[WorkerSeen | WebSeen] = [*workers.living(session, now), *workers.living_web(session, now)]
        return sorted({name for row in rows for name in _unequal(self.hashes, _hashes(row))} | unequal(rows).keys())

    def _tell_change(self, session: Session, what: str) -> None:
        logger.warning("the settings' endpoint was changed", extra={"state": what})
        self._alerts.raise_in(session, ENDPOINT_CHANGED, Finding(what, details={"worker": self._host}))


def hashes_of(config: Config) -> dict[str, list[str]]:
    """Return hashes of what must be equal. Those of secrets are slow: nobody guesses a secret by them."""
    found = {}
    for setting in settings():
        name, value = setting_name(setting), getattr(config, setting.name)
        if name in SHARED:
            texts = value if name == KEY else [repr(value)] if value else []
            found[name] = [_hash(name, text, is_slow=setting.metadata["secret"]) for text in texts]
    return found


def _hash(name: str, text: str, *, is_slow: bool) -> str:
    salt = f"whatsapp-service {name}".encode()
    if is_slow:
        return hashlib.scrypt(text.encode(), salt=salt, n=2**13, r=8, p=1, dklen=16).hex()
    return hashlib.sha256(salt + text.encode()).hexdigest()[:32]


def unequal(rows: Sequence[WorkerSeen | WebSeen]) -> dict[str, list[str]]:
    """Return the settings in which these processes differ, each with their machines in the rows' order.

    Processes of which one fell silent before the other began are a stop and a start, and are not compared.
    """
    pairs = [(one, other) for one, other in combinations(rows, 2) if _have_met(one, other)]
    names = {name for one, other in pairs for name in _unequal(_hashes(one), _hashes(other))}
    return {name: list(dict.fromkeys(_place(row) for row in rows)) for name in names}


def _have_met(one: WorkerSeen | WebSeen, other: WorkerSeen | WebSeen) -> bool:
    began = max(row.joined_at or row.seen_at for row in (one, other))
    return min(one.seen_at, other.seen_at) >= began


def _place(row: WorkerSeen | WebSeen) -> str:
    return f"{row.host or '?'} (web)" if isinstance(row, WebSeen) else row.host or "?"


def _hashes(row: WorkerSeen | WebSeen) -> Hashes:
    found: Hashes = json.loads(row.settings or "{}")
    return found


def _unequal(one: Hashes, other: Hashes) -> set[str]:
    """Return the names of what differs. What only one of them tells of is another release's, and does not count."""
    return {name for name in one.keys() & other.keys() if not _are_equal(name, one[name], other[name])}


def _are_equal(name: str, one: Sequence[str], other: Sequence[str]) -> bool:
    """Of `KEY` it is enough that each can read what the other writes: so keys are rotated without a pause."""
    if name == KEY:
        return bool(one and other) and one[0] in other and other[0] in one
    return one == other
