"""Compare the settings of all workers on one database, and decide whose settings apply while they differ.

Each worker writes hashes of its settings to its row of `workers`. The settings of the worker that has been alive for
longest apply: a later worker with other settings does not change the settings' endpoint and the handlers until the
earlier one is gone. With another `ENCRYPTION_KEY` the later worker stops.
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
from app.config.errors import ConfigError
from app.config.settings import Config, setting_name, settings
from app.db.database import Database
from app.domain.alerts import Finding
from app.domain.endpoints import OF_THE_SETTINGS
from app.errors import Unavailable
from app.ids import new_id
from app.logs import get_logger
from app.models import WebSeen, WorkerSeen
from app.services.alerts import Alerts
from app.services.delivering import unblock_endpoint
from app.services.operations.failing_work import FailingWork
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
"""The settings that must be equal in all processes. The others may differ: port, threads, logs."""

FORGET_AFTER = timedelta(hours=1)
"""How long the row of a worker without heartbeats is kept."""

EMBEDDED = "(embedded)"
"""A key among the hashes of a worker that the web server started. No setting has this name."""

Hashes = Mapping[str, Sequence[str]]
"""By setting name: one hash, an empty list if it is not set; for `KEY` one hash per key."""

logger = get_logger(__name__)


class SharedSettings:
    """Publishes the settings of one worker, and determines which of them it may apply."""

    def __init__(
        self,
        config: Config,
        database: Database,
        endpoints: EndpointDirectory,
        alerts: Alerts,
        now: Callable[[], datetime],
        failing_work: FailingWork,
    ) -> None:
        self._config = config
        self._failing_work = failing_work
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
        """The hashes of this process's settings. Computed once, in about a tenth of a second."""
        return hashes_of(self._config)

    def beat(self, host: str) -> None:
        """Write the heartbeat of this worker, compare the settings, and update the settings' endpoint once allowed.

        Raises `ConfigError` if an earlier worker has another encryption key, and `Unavailable`.
        """
        with self._mutex:
            now = self._now()
            self._host = host
            try:
                joined_at = self._say_alive(now)
            except Unavailable:
                self._failing_work.forget()  # on a database that is away all work fails, and none is to blame
                raise
            if self._seen_at is not None and now - self._seen_at >= workers.SILENT_AFTER:
                self._woke_at = now
            self._seen_at = now
            if self._woke_at is not None and now - self._woke_at < workers.SILENT_AFTER:
                return  # after a pause of this worker or the database: the others need time for their heartbeats
            self._look_at_others(joined_at, now)
            if not self._is_followed and not self._put_off & OF_THE_ENDPOINT:
                if self._endpoints.follow_settings(self._tell_change):
                    unblock_endpoint(self._database, OF_THE_SETTINGS, self._now)
                self._is_followed = True

    def _say_alive(self, now: datetime) -> datetime:
        """Write this worker's row. Return the time since which it has counted as alive."""
        ahead = round(clock.machine_is_ahead().total_seconds(), 1)
        with self._database.write() as session:
            joined_at = self._joined_at
            if joined_at is None or not workers.is_known(session, self._id):
                joined_at, self._is_followed = now, False
            workers.seen(
                session, self._id, now, now - FORGET_AFTER, self._host, ahead, joined_at=joined_at,
                settings=json.dumps(self._told()), failing=self._failing_work.told(), **asdict(limits_of(self._config)),
            )  # fmt: skip
        self._joined_at = joined_at
        return joined_at

    def _told(self) -> Hashes:
        return {**self.hashes, EMBEDDED: ["yes"]} if self.is_embedded else self.hashes

    def has_embedded(self) -> bool:
        """Whether another worker is alive that a web server started. Raises `Unavailable`."""
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
        """Whether this worker's value of a setting applied at the last `beat`."""
        return self._joined_at is not None and name not in self._put_off

    def leave(self) -> None:
        """Mark this worker as gone, so that another worker's settings apply at once. Raises `Unavailable`."""
        with self._database.write() as session:
            workers.left(session, self._id)

    def unequal(self) -> list[str]:
        """Return the names of settings that differ between living processes, this one included.

        Raises `Unavailable`.
        """
        now = self._now()
        with self._database.read() as session:
            rows: list[WorkerSeen | WebSeen] = [*workers.living(session, now), *workers.living_web(session, now)]
        return sorted({name for row in rows for name in _unequal(self.hashes, _hashes(row))} | unequal(rows).keys())

    def _tell_change(self, session: Session, what: str) -> None:
        logger.warning("the settings' endpoint was changed", extra={"state": what})
        self._alerts.raise_in(session, ENDPOINT_CHANGED, Finding(what, details={"worker": self._host}))


def hashes_of(config: Config) -> dict[str, list[str]]:
    """Return the hashes of the settings in `SHARED`. Secrets get a slow hash, which makes guessing them too costly."""
    found = {}
    for setting in settings():
        name, value = setting_name(setting), getattr(config, setting.name)
        if name in SHARED:
            texts = value if name == KEY else [repr(value)] if value else []
            found[name] = [_hash(name, text, is_slow=setting.metadata["secret"]) for text in texts]
    return found


def key_hashes(row: WorkerSeen | WebSeen) -> Sequence[str]:
    """Return the hashes of a process's encryption keys, the first one first."""
    return _hashes(row).get(KEY, ())


def _hash(name: str, text: str, *, is_slow: bool) -> str:
    salt = f"whatsapp-service {name}".encode()
    if is_slow:
        return hashlib.scrypt(text.encode(), salt=salt, n=2**13, r=8, p=1, dklen=16).hex()
    return hashlib.sha256(salt + text.encode()).hexdigest()[:32]


def unequal(rows: Sequence[WorkerSeen | WebSeen]) -> dict[str, list[str]]:
    """Return the names of settings that differ between these processes, with all their host names in the rows' order.

    Two processes are not compared if one wrote its last heartbeat before the other started, as in a restart.
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
    """Return the names of settings that differ. Names that only one process has belong to another release: ignored."""
    return {name for name in one.keys() & other.keys() if not _are_equal(name, one[name], other[name])}


def _are_equal(name: str, one: Sequence[str], other: Sequence[str]) -> bool:
    """Compare the hashes of a setting. For `KEY`, each process must be able to decrypt what the other encrypts.

    So keys can be rotated without stopping all processes.
    """
    if name == KEY:
        return bool(one and other) and one[0] in other and other[0] in one
    return one == other
