"""Which numbers and app secrets there are: the settings' own, and those added while the gateway runs."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Collection
from dataclasses import replace

from app.clock import utc_now
from app.config.settings import Config
from app.db.database import Database
from app.domain.numbers import DEFAULT_APP, OWN_REALM, BusinessNumber, Directory, realm_of
from app.errors import Invalid, Unavailable
from app.logs import get_logger
from app.models import Number
from app.security.encryption import CannotDecrypt, Encryptor
from app.services.registries.clock_check import ClockCheck
from app.services.registries.send_limits import limits_of
from app.services.registries.versions import Registry
from app.store import contacts, messages, numbers
from app.store import registry as store
from app.store import workers

REFRESH_SECONDS = 3.0
"""How often the directory is read in the background. A change that was answered counts at once: see `registry`."""

logger = get_logger(__name__)


class NumberDirectory:
    """Keeps a `Directory` in memory, and reads it anew in the background and once any process has changed something."""

    def __init__(self, config: Config, database: Database, encryptor: Encryptor, registry: Registry) -> None:
        self._config = config
        self._database = database
        self._encryptor = encryptor
        self._registry = registry
        self._directory: Directory | None = None
        self._version: int | None = None
        self._mutex = threading.Lock()
        self._check_clock = ClockCheck(database)
        self._seen: dict[str, str] = {}
        """How Meta writes numbers of ours of which nobody has said that, by what came to them."""

    @property
    def current(self) -> Directory:
        """The numbers, with every change that was answered before this is asked.

        The first use reads them and starts the refreshing, after any fork. While the database is away they are those
        that were last known, or, where none ever were, the settings' own.
        """
        if self._directory is None:
            with self._mutex:
                if self._directory is None:
                    self._directory = _assemble(self._config, [], self._encryptor)
                    threading.Thread(target=self._keep_fresh, name="number-directory", daemon=True).start()
        try:
            version = self._registry.version()
            if version != self._version:
                self._take_in(version)
        except Unavailable:
            logger.warning("numbers could not be read; trying again soon")
        return self._directory

    def choose(self, asked: str | None, allowed: Collection[str] | None) -> list[str]:
        """The number that is asked for, else every number of `allowed` (None: all of ours). Raises `Invalid`."""
        ours = [number for number in self.current.numbers if allowed is None or number in allowed]
        if asked is None:
            return ours
        if asked not in ours:
            raise Invalid(fields={"phone_number_id": ["is no number of ours"]})
        return [asked]

    def read(self) -> Directory:
        """The numbers as they are now. Raises `Unavailable`."""
        return self._read()[1]

    def _read(self) -> tuple[int, Directory]:
        with self._database.read() as session:
            version = store.version(session)
            rate = workers.strictest(session, utc_now(), limits_of(self._config)).messages_per_second
            config = replace(self._config, messages_per_second=rate)
            found = _assemble(config, list(numbers.all_numbers(session)), self._encryptor)
            for number_id, number in found.numbers.items():
                if number.display_phone_number is None and number_id not in self._seen:
                    address = messages.our_address(session, number_id)
                    self._seen |= {number_id: address.removeprefix("+")} if address else {}
        named = {
            number_id: replace(number, display_phone_number=number.display_phone_number or self._seen.get(number_id))
            for number_id, number in found.numbers.items()
        }
        return version, replace(found, numbers=named)

    def refresh(self) -> None:
        """Take in at once what this process has changed. Raises `Unavailable`."""
        assert self.current is not None  # starts the refreshing, if nothing has yet
        self._take_in(None)

    def follow_settings(self) -> None:
        """Let the people of the settings' own app stay the same when `WHATSAPP_APP_ID` names an app that numbers were
        added with before. For the worker. Raises `Unavailable`."""
        own_app = self._config.whatsapp_app_id
        if not own_app:
            return
        with self._database.read() as session:
            if not contacts.has_realm(session, own_app):
                return
        with self._database.write() as session:
            contacts.rename_realm(session, own_app, OWN_REALM)

    def _take_in(self, version: int | None) -> None:
        """Read anew, unless another thread has read this version meanwhile. Raises `Unavailable`."""
        with self._mutex:
            if version is None or version != self._version:
                self._version, self._directory = self._read()

    def _keep_fresh(self) -> None:
        while True:
            self._check_clock()
            time.sleep(REFRESH_SECONDS)
            try:
                self._take_in(None)
            except Unavailable:
                logger.warning("numbers could not be read; trying again soon")
            except Exception:  # whatever it is, a thread that died would leave this process with old secrets for good
                logger.exception("numbers could not be read; trying again soon")


def app_of(app_id: str | None, secrets: list[str]) -> str:
    """The app that a number belongs to: named by its id, else by its secrets, else the settings' own."""
    if app_id:
        return app_id
    return f"secret:{hashlib.sha256(secrets[0].encode()).hexdigest()[:16]}" if secrets else DEFAULT_APP


def _assemble(config: Config, rows: list[Number], encryptor: Encryptor) -> Directory:
    own_app = config.whatsapp_app_id or DEFAULT_APP
    token: str | None
    theirs: list[str]
    secrets = {(secret, own_app): None for secret in config.whatsapp_app_secrets}
    found: dict[str, BusinessNumber] = {}
    unreadable = set()
    if config.whatsapp_phone_number_id:
        found[config.whatsapp_phone_number_id] = BusinessNumber(
            config.whatsapp_phone_number_id,
            own_app,
            config.whatsapp_access_token,
            config.whatsapp_business_account_id or None,
            rate=config.messages_per_second,
        )
    for row in rows:
        app = own_app if row.app == DEFAULT_APP else row.app
        token, theirs = "", []
        try:
            token, theirs = _decrypt(row, encryptor)
        except CannotDecrypt:
            logger.error("a number's secrets cannot be decrypted", extra={"phone_number_id": row.phone_number_id})
            unreadable.add(row.phone_number_id)
        found[row.phone_number_id] = BusinessNumber(
            row.phone_number_id, app, config.whatsapp_access_token if token is None else token, row.waba_id,
            row.display_phone_number, row.rate or config.messages_per_second, realm_of(app, own_app),
        )  # fmt: skip
        secrets |= {(secret, app): None for secret in theirs}
    apps = tuple(app for _, app in secrets)
    return Directory(found, tuple(secret for secret, _ in secrets), apps, own_app, frozenset(unreadable))


def _decrypt(row: Number, encryptor: Encryptor) -> tuple[str | None, list[str]]:
    """A number's token, if it has one of its own, and its app's secrets. Raises `CannotDecrypt`.

    What was encrypted with a lost key counts as an empty token and no secrets: that number cannot send, but it stays
    bound to its app, and all others work.
    """
    token = encryptor.decrypt(row.access_token) if row.access_token else None
    return token, encryptor.decrypt(row.app_secrets).split(",") if row.app_secrets else []
