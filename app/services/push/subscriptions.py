"""The devices on which people allowed notifications."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from app.config.settings import Config
from app.db.database import Database
from app.errors import Invalid
from app.ids import new_id
from app.security.encryption import Encryptor, hash_key
from app.security.endpoint_urls import WrongUrl, check_url
from app.security.web_push import are_device_keys, public_key
from app.store import push

MOST_DEVICES = 5
"""Devices of one person; a further one takes the place of the oldest."""


class PushSubscriptions:
    """Adds and removes devices. Raises `Unavailable`."""

    def __init__(
        self, config: Config, database: Database, encryptor: Encryptor, now: Callable[[], datetime]
    ) -> None:  # fmt: skip
        self._secret_key = config.secret_key
        self._database = database
        self._encryptor = encryptor
        self._now = now

    def public_key(self) -> str:
        """Return the key that browsers need to subscribe (`applicationServerKey`), as URL-safe base64."""
        return public_key(self._secret_key)

    def of(self, person_id: str) -> Sequence[str]:
        """Return the endpoints of a person's devices."""
        with self._database.read() as session:
            return push.endpoints(session, person_id)

    def add(self, person_id: str, given: object, *, language: str, cookie: str) -> None:
        """Add a device: `given` is the JSON of a browser's subscription, with `endpoint` and `keys`.

        `language` is that of its notifications unless the person chose one, `cookie` that of the session, with which
        the device goes. Raises `Invalid`, also for an endpoint that is not https or whose address is not public.
        """
        endpoint = _endpoint_of(given)
        keys = given.get("keys") if isinstance(given, dict) else None
        if not are_device_keys(keys):
            raise Invalid(fields={"keys": ["must be p256dh and auth as a browser gives them"]})
        assert isinstance(keys, dict)
        row = {
            "id": new_id(),
            "person_id": person_id,
            "endpoint": endpoint,
            "keys": self._encryptor.encrypt(json.dumps({name: keys[name] for name in ("p256dh", "auth")})),
            "session_hash": hash_key(cookie),
            "language": language,
            "created_at": self._now(),
            "last_error": None,
        }
        with self._database.write() as session:
            push.begin_cursor(session)
            push.save(session, row)
            push.keep_newest(session, person_id, MOST_DEVICES)

    def remove(self, person_id: str, given: object) -> None:
        """Remove a device of a person by its `endpoint`. Nothing happens if there is none. Raises `Invalid`."""
        endpoint = _endpoint_of(given)
        with self._database.write() as session:
            push.remove(session, person_id, endpoint)


def _endpoint_of(given: object) -> str:
    endpoint = given.get("endpoint") if isinstance(given, dict) else None
    if not isinstance(endpoint, str) or not endpoint.startswith("https://"):
        raise Invalid(fields={"endpoint": ["must be an https URL, as a browser gives it"]})
    try:
        check_url(endpoint)
    except WrongUrl as error:
        raise Invalid(fields={"endpoint": [str(error)]}) from None
    return endpoint
