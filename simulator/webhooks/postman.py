"""Bringing webhooks to the apps: signed over the exact bytes, tried again until answered 200."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from simulator.settings import Pace
from simulator.webhooks.payloads import envelope
from simulator.world.scheduler import Scheduler

_log = logging.getLogger(__name__)
_LARGEST_BATCH = 1000
_GROWTH = 2.0

Answered = Callable[[], None]


@dataclass(frozen=True)
class Address:
    """A callback, and the app secret that what goes there is signed with."""

    app_secret: str
    url: str


@dataclass(frozen=True)
class _Change:
    """One change on its way to one address."""

    waba_id: str
    change: dict[str, Any]
    answered: Answered | None


@dataclass
class _Parcel:
    """The changes that go to one address in one request, and how often they were brought."""

    address: Address
    changes: list[_Change]
    body: bytes
    first_try_at: float
    tries: int = 0


class Postman:
    """Posts changes to callbacks. Like Meta it promises neither order nor that a change comes only once."""

    def __init__(self, pace: Pace, scheduler: Scheduler) -> None:
        self._pace = pace
        self._scheduler = scheduler
        self._outboxes: dict[Address, list[_Change]] = {}
        self._lock = threading.Lock()
        self._local = threading.local()

    def bring(self, address: Address, waba_id: str, change: dict[str, Any], answered: Answered | None = None) -> None:
        """Bring a change to an address, with what else comes up within `batch_for`; `answered` runs after its 200."""
        with self._lock:
            outbox = self._outboxes.setdefault(address, [])
            outbox.append(_Change(waba_id, change, answered))
            if len(outbox) > 1:
                return  # whoever came first has asked for the batch to be posted
        self._scheduler.later(self._pace.batch_for, lambda: self._post_batch(address))

    def _post_batch(self, address: Address) -> None:
        with self._lock:
            outbox = self._outboxes.pop(address, [])
        for start in range(0, len(outbox), _LARGEST_BATCH):
            changes = outbox[start : start + _LARGEST_BATCH]
            body = json.dumps(envelope([(item.waba_id, item.change) for item in changes])).encode()
            self._post(_Parcel(address, changes, body, time.monotonic()))

    def _post(self, parcel: _Parcel) -> None:
        parcel.tries += 1
        outcome = self._try(parcel)
        if outcome == "200":
            for item in parcel.changes:
                if item.answered:
                    item.answered()
            return
        wait = min(self._pace.first_retry_after * _GROWTH ** (parcel.tries - 1), self._pace.longest_retry_after)
        if time.monotonic() + wait - parcel.first_try_at > self._pace.retries_for:
            _log.warning("gave a webhook up after %d tries: %s", parcel.tries, outcome)
            return
        _log.warning("a webhook was not answered 200 (%s); trying again in %.1f s", outcome, wait)
        self._scheduler.later(wait, lambda: self._post(parcel))

    def _try(self, parcel: _Parcel) -> str:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": signature(parcel.address.app_secret, parcel.body),
        }
        try:
            answer = self._session().post(
                parcel.address.url,
                data=parcel.body,
                headers=headers,
                timeout=self._pace.webhook_timeout,
                allow_redirects=False,
            )
        except requests.RequestException as err:
            return type(err).__name__
        return str(answer.status_code)

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False  # a proxy of the machine's would carry the webhook away
        session: requests.Session = self._local.session
        return session


def signature(app_secret: str, body: bytes) -> str:
    """The `X-Hub-Signature-256` of a body: HMAC-SHA256 with the app secret over its exact bytes."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
