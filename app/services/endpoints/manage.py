"""Add, change, test and remove endpoints."""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy.orm import Session

from app.config.settings import Config
from app.db.database import Database
from app.domain.endpoints import OF_THE_SETTINGS, Format
from app.errors import Invalid, NotFound, WrongState
from app.ids import new_id
from app.models import Endpoint
from app.security.encryption import Encryptor
from app.security.endpoint_urls import AllowedNetwork, WrongUrl, check_url
from app.security.standard_webhooks import WrongSecret, new_secret, read_secret
from app.services.audit_log import record_act
from app.services.delivering import HttpDelivery, render_events, unblock_endpoint
from app.services.endpoints.silence import DetectSilence
from app.services.registries import HEALTHY, OLD_SECRET_LIFETIME, EndpointDirectory, changing, new_row
from app.store import delivery_retries, endpoints, events
from app.subscribers.client import EndpointResponse

OF_HANDLERS = {"description", "paused", "disabled"}
"""The fields of a handler's endpoint that can be changed here; the others are set in the handler's code."""

PORTION = 200
"""Deliveries that one transaction changes, because it holds the write lock."""

NO_NEWS = b'{"object":"whatsapp_business_account","entry":[]}'
"""The body of a test event in Meta's format: a notification without entries."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tested:
    """The response to a test event, and warnings if the app seems to answer 2xx and discard every event."""

    answer: EndpointResponse
    warnings: Sequence[str]


class ManageEndpoints:
    """Adds, changes, tests and removes endpoints. When a method returns, its change applies in every process."""

    def __init__(
        self, config: Config, database: Database, encryptor: Encryptor, directory: EndpointDirectory,
        post: HttpDelivery, detect_silence: DetectSilence, now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._config = config
        self._database = database
        self._encryptor = encryptor
        self._directory = directory
        self._post = post
        self._detect_silence = detect_silence
        self._now = now

    @property
    def allowed_networks(self) -> tuple[AllowedNetwork, ...]:
        """The private networks that an endpoint's URL may point to (`FORWARD_ALLOW_NETS`)."""
        return self._config.forward_allow_nets

    def list(self) -> Sequence[Endpoint]:
        """Return all endpoints, newest first. Raises `Unavailable`."""
        with self._database.read() as session:
            return endpoints.all_endpoints(session)[::-1]

    def find(self, endpoint_id: str) -> Endpoint:
        """Return one endpoint. Raises `NotFound`."""
        with self._database.read() as session:
            row = endpoints.find(session, endpoint_id) if "\x00" not in endpoint_id else None
        if row is None:
            raise NotFound("No endpoint has this id.")
        return row

    def add(self, values: dict[str, Any]) -> tuple[Endpoint, str]:
        """Add an endpoint. Return it and its secret, which cannot be read again. Raises `Invalid`."""
        self._check_url(values["url"])
        format = Format(values.get("format", Format.EVENT))
        secret = _secret(format, values.get("secret"))
        row = new_row(new_id(), self._now(), secret=self._encryptor.encrypt(secret))
        row.format = format
        for name, value in values.items():
            if name != "secret":
                setattr(row, name, value)
        _check_together(row, {})
        with changing(self._database) as session:
            endpoints.add(session, row)
            self._record(session, "endpoint.added", row.id, sorted(values))
        self._directory.forget()
        return row, secret

    def change(self, endpoint_id: str, values: dict[str, Any]) -> Endpoint:
        """Change fields of an endpoint and return it.

        `disabled` false, or another URL, enables the endpoint, resets its health and makes its retries due now. Raises
        `NotFound`, `Invalid`, and `WrongState` for a field that the settings or a handler's code define.
        """
        row = self.find(endpoint_id)
        if endpoint_id == OF_THE_SETTINGS and values.keys() & {"url", "replies"}:
            raise WrongState("This endpoint is the settings' own: change FORWARD_URL and FORWARD_REPLIES.")
        if row.format == Format.HANDLER and values.keys() - OF_HANDLERS:
            raise WrongState(f"This is a handler: of it only {', '.join(sorted(OF_HANDLERS))} can be changed here.")
        changes = dict(values)
        _check_together(row, changes)
        if "url" in changes:
            self._check_url(changes["url"])
        disabled = changes.pop("disabled", None)
        if disabled is True:
            changes |= {"disabled_at": row.disabled_at or self._now(), "disabled_reason": "by hand"}
        begins_anew = disabled is False or changes.get("url", row.url) != row.url
        if begins_anew:
            changes |= {"disabled_at": None, "disabled_reason": None} | HEALTHY
        with changing(self._database) as session:
            endpoints.set_values(session, endpoint_id, **changes, updated_at=self._now())
            self._record(session, "endpoint.changed", endpoint_id, sorted(values))
        self._directory.forget()
        if begins_anew:
            unblock_endpoint(self._database, endpoint_id, self._now)
        return self.find(endpoint_id)

    def rotate_secret(self, endpoint_id: str, secret: str | None) -> str:
        """Replace an endpoint's secret and return the new one. Both secrets sign for 24 hours.

        Deliveries that wait for a retry become due at once: the app may have refused them because of the old secret.
        Raises `NotFound`, `Invalid`, and `WrongState` for the settings' endpoint and for handlers.
        """
        row = self.find(endpoint_id)
        if endpoint_id == OF_THE_SETTINGS:
            raise WrongState("This endpoint is the settings' own: change FORWARD_SECRET.")
        if row.format == Format.HANDLER:
            raise WrongState("This is a handler: it has no secret.")
        secret = _secret(Format(row.format), secret)
        now = self._now()
        with changing(self._database) as session:
            endpoints.set_values(
                session, endpoint_id, secret=self._encryptor.encrypt(secret), old_secret=row.secret,
                old_secret_until=now + OLD_SECRET_LIFETIME, updated_at=now, **HEALTHY,
            )  # fmt: skip
            self._record(session, "endpoint.secret_rotated", endpoint_id)
        self._directory.forget()
        unblock_endpoint(self._database, endpoint_id, self._now)
        return secret

    def remove(self, endpoint_id: str) -> None:
        """Remove an endpoint. Its finished deliveries are kept; its pending deliveries become dead letters.

        Raises `NotFound`, and `WrongState` for the settings' endpoint and for handlers.
        """
        row = self.find(endpoint_id)
        if endpoint_id == OF_THE_SETTINGS:
            raise WrongState("This endpoint is the settings' own: take FORWARD_URL out of them.")
        if row.format == Format.HANDLER:
            raise WrongState("This is a handler: take it out of the code that HANDLERS names, or pause it.")
        with changing(self._database) as session:
            # Wait for transactions that still add deliveries for this endpoint, so that all are dead-lettered below.
            events.take_turn(session)
            endpoints.set_values(session, endpoint_id, removed_at=self._now())
            self._record(session, "endpoint.removed", endpoint_id)
        self._directory.forget()
        more = True
        while more:
            with self._database.write() as session:
                more = delivery_retries.dead_letter(
                    session, endpoint_id, "the endpoint was removed", self._now(), PORTION
                )

    def test(self, endpoint_id: str, asked_by: str | None = None) -> Tested:
        """Post an event of the type `gateway.test` now and return the response, with a body of up to 4096 bytes.

        If the app accepts it, also check for signs that the app discards events; `DetectSilence` explains `asked_by`.
        Raises `NotFound`, and `WrongState` for a handler or a secret that cannot be decrypted.
        """
        endpoint = self._directory.to_domain(self.find(endpoint_id))
        if endpoint.is_handler:
            raise WrongState("This is a handler: try it with `flask handlers check`, or by replaying an event to it.")
        if not endpoint.secrets:
            raise WrongState("The endpoint's secret cannot be decrypted: rotate it.")
        now = self._now()
        event = SimpleNamespace(
            id=new_id(), type="gateway.test", timestamp=now, received_at=now,
            data='{"message":"If you can read this, and the signature fits, events will reach you."}',
        )  # fmt: skip
        name, body = render_events(endpoint, [event]) if endpoint.format is Format.EVENT else (event.id, NO_NEWS)
        answer = self._post.post(endpoint, name, body)
        warnings = self._detect_silence(endpoint, asked_by) if answer.is_success else []
        return Tested(dataclasses.replace(answer, body=answer.body[:4096]), warnings)

    def _record(self, session: Session, act: str, endpoint_id: str, changed: Sequence[str] = ()) -> None:
        """Record an act with the names of the changed fields. Their values may be secrets, or addresses of them."""
        details = {"changed": list(changed)} if changed else None
        record_act(session, self._now(), act=act, subject=f"endpoint:{endpoint_id}", details=details)

    def _check_url(self, url: str) -> None:
        try:
            check_url(url, self._config.forward_allow_nets)
        except WrongUrl as wrong:
            raise Invalid(fields={"url": [str(wrong)]}) from None


def _check_together(row: Endpoint, changes: dict[str, Any]) -> None:
    """Raise `Invalid` for settings that exclude each other, e.g. replies need requests with one event."""
    names = ("batch", "debounce_seconds", "replies", "split", "ordered")
    batch, pause, replies, split, ordered = (changes.get(name, getattr(row, name)) for name in names)
    is_meta = row.format == Format.META
    wrong = {
        "batch": [
            *(["is for the format event; for what Meta sent together write split false and ordered false"] * is_meta),
            *(["cannot be had with replies"] * bool(replies)), *(["cannot be had with debounce_seconds"] * bool(pause)),
        ] if batch else [],
        "debounce_seconds": ["is for the format event"] if pause and is_meta else [],
        "split": [
            *(["false is for the format meta; see batch for the format event"] * (not is_meta)),
            *(["false goes with ordered false alone, since a whole notification is of several contacts"] * ordered),
        ] if not split else [],
    }  # fmt: skip
    if any(wrong.values()):
        raise Invalid(fields={name: problems for name, problems in wrong.items() if problems})


def _secret(format: Format, given: str | None) -> str:
    """Return the given secret, or a new one if None was given. Raises `Invalid` for a secret of the wrong form."""
    if format is Format.META:
        if given is not None and not re.fullmatch(r"[!-~]{16,200}", given):
            raise Invalid(fields={"secret": ["must be at least 16 characters of plain ASCII without spaces"]})
        return given or secrets.token_hex(32)
    try:
        read_secret(given or new_secret())
    except WrongSecret as wrong:
        raise Invalid(fields={"secret": [str(wrong)]}) from None
    return given or new_secret()
