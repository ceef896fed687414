"""The registry of business numbers and app secrets: those of the settings, and those added at run time."""

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
"""How often a background thread reads the directory. An answered change applies at once: see `versions`."""

logger = get_logger(__name__)


class NumberDirectory:
    """Keeps a `Directory` in memory; reads it again in the background, and after any change of a registry."""

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
        """Display numbers that are not configured, as found in the address of stored messages."""

    @property
    def current(self) -> Directory:
        """The numbers, including every change that was answered before.

        The first use starts the background thread, so it must come after any fork. While the database is away this is
        the last known directory, or that of the settings if none was ever read.
        """
        if self._directory is None:
            with self._mutex:
                if self._directory is None:
                    self._directory = _assemble(self._config, [], self._encryptor)
                    threading.Thread(target=self._keep_fresh, name="number-directory", daemon=True).start()
        try:
            version = self._registry.version()
            if version != self._version:
                self._reload(version)
        except Unavailable:
            logger.warning("numbers could not be read; trying again soon")
        return self._directory

    def choose(self, asked: str | None, allowed: Collection[str] | None) -> list[str]:
        """Return the number `asked`, else all in `allowed` (None: all). Raises `Invalid` for an unknown number."""
        ours = [number for number in self.current.numbers if allowed is None or number in allowed]
        if asked is None:
            return ours
        if asked not in ours:
            raise Invalid(fields={"phone_number_id": ["is no number of ours"]})
        return [asked]

    def read(self) -> Directory:
        """Read and return the numbers. Raises `Unavailable`."""
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
        """Read the numbers again, after a change by this process. Raises `Unavailable`."""
        assert self.current is not None  # starts the background thread if it does not run yet
        self._reload(None)

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

    def _reload(self, version: int | None) -> None:
        """Read the numbers again, unless another thread has read this version. Raises `Unavailable`."""
        with self._mutex:
            if version is None or version != self._version:
                self._version, self._directory = self._read()

    def _keep_fresh(self) -> None:
        while True:
            self._check_clock()
            time.sleep(REFRESH_SECONDS)
            try:
                self._reload(None)
            except Unavailable:
                logger.warning("numbers could not be read; trying again soon")
            except Exception:  # if the thread ended, this process would keep old secrets for ever
                logger.exception("numbers could not be read; trying again soon")


def app_of(app_id: str | None, secrets: list[str]) -> str:
    """Return the app of a number: its id, else a hash of its secret, else the app of the settings."""
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
            fetches_links=config.media_fetch_links == "always",
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
            config.media_fetch_links == "always",
        )  # fmt: skip
        secrets |= {(secret, app): None for secret in theirs}
    apps = tuple(app for _, app in secrets)
    return Directory(found, tuple(secret for secret, _ in secrets), apps, own_app, frozenset(unreadable))


def _decrypt(row: Number, encryptor: Encryptor) -> tuple[str | None, list[str]]:
    """Return a number's own token (None without one) and its app's secrets. Raises `CannotDecrypt`.

    The caller treats values of a lost key as an empty token and no secrets: the number cannot send, but it stays bound
    to its app, and all others work.
    """
    token = encryptor.decrypt(row.access_token) if row.access_token else None
    return token, encryptor.decrypt(row.app_secrets).split(",") if row.app_secrets else []
