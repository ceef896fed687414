"""Add, change and remove business numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.numbers import DEFAULT_APP, realm_of
from app.errors import Invalid, NotFound
from app.models import Number
from app.security.encryption import CannotDecrypt, Encryptor
from app.services.audit_log import record_act
from app.services.registries import app_of, changing
from app.store import contacts, numbers, registry

SHORTEST_SECRET = 16


def save_number(
    database: Database,
    encryptor: Encryptor,
    now: datetime,
    *,
    phone_number_id: str,
    display_phone_number: str | None,
    waba_id: str | None,
    app_id: str | None,
    access_token: str | None,
    app_secrets: Sequence[str],
    rate: float | None = None,
) -> None:
    """Add a number, or replace it. When this returns, every process uses it.

    A number without a token or secrets of its own uses those of the settings. Both are stored encrypted. `rate` is
    messages per second. Raises `Invalid` and `Unavailable`.
    """
    if not phone_number_id.isascii() or not phone_number_id.isdigit():
        raise Invalid(fields={"phone_number_id": ["must be the number that Meta shows under API Setup, digits only"]})
    secrets = _checked(app_secrets)
    with changing(database) as session:
        before = numbers.find(session, phone_number_id)
        app, known_as = app_of(app_id, secrets), before.app if before else None
        numbers.save(
            session,
            {
                "phone_number_id": phone_number_id,
                "display_phone_number": _digits(display_phone_number),
                "waba_id": waba_id,
                "app": app,
                "access_token": encryptor.encrypt(access_token) if access_token else None,
                "app_secrets": encryptor.encrypt(",".join(secrets)) if secrets else None,
                "rate": rate,
                "created_at": now,
                "updated_at": now,
            },
        )
        _rename_realm(session, known_as, app)
        act = "number.changed" if before else "number.added"
        record_act(session, now, act=act, subject=f"number:{phone_number_id}")


def change_number(
    database: Database, encryptor: Encryptor, now: datetime, phone_number_id: str, changes: Mapping[str, Any]
) -> None:
    """Change a number that was added. `changes` holds arguments of `save_number`; None removes a value.

    Raises `NotFound`, `Invalid` and `Unavailable`.
    """
    secrets = _checked(changes.get("app_secrets") or ())
    with changing(database) as session:
        row = numbers.find(session, phone_number_id)
        if row is None:
            raise NotFound("No number with this phone_number_id was added.")
        if "display_phone_number" in changes:
            row.display_phone_number = _digits(changes["display_phone_number"])
        if "waba_id" in changes:
            row.waba_id = changes["waba_id"]
        if "rate" in changes:
            row.rate = changes["rate"]
        if "access_token" in changes:
            token = changes["access_token"]
            row.access_token = encryptor.encrypt(token) if token else None
        if "app_secrets" in changes:
            row.app_secrets = encryptor.encrypt(",".join(secrets)) if secrets else None
        if "app_id" in changes or ("app_secrets" in changes and not row.app.isdigit()):
            known_as, row.app = row.app, app_of(changes.get("app_id"), secrets or _known_secrets(row, encryptor))
            _rename_realm(session, known_as, row.app)
        row.updated_at = now
        registry.bump(session)
        details = {"changed": sorted(changes)}
        record_act(session, now, act="number.changed", subject=f"number:{phone_number_id}", details=details)


def remove_number(database: Database, phone_number_id: str, now: datetime) -> None:
    """Remove a number that was added; its messages stay. Raises `NotFound` and `Unavailable`."""
    with changing(database) as session:
        if not numbers.remove(session, phone_number_id):
            raise NotFound("No number with this phone_number_id was added.")
        record_act(session, now, act="number.removed", subject=f"number:{phone_number_id}")


def _rename_realm(session: Session, old: str | None, new: str) -> None:
    """Keep the contacts of an app whose name changes: rename their realm, unless other numbers use the old name."""
    session.flush()
    if old is None or old == new or any(row.app == old for row in numbers.all_numbers(session)):
        return
    contacts.rename_realm(session, *(realm_of(app, DEFAULT_APP) for app in (old, new)))


def _checked(secrets: Sequence[str]) -> list[str]:
    if any(len(secret) < SHORTEST_SECRET or "," in secret for secret in secrets):
        raise Invalid(fields={"app_secret": [f"must have at least {SHORTEST_SECRET} characters and no comma"]})
    return list(secrets)


def _digits(display: str | None) -> str | None:
    return "".join(char for char in display or "" if char.isascii() and char.isdigit()) or None


def _known_secrets(row: Number, encryptor: Encryptor) -> list[str]:
    try:
        return encryptor.decrypt(row.app_secrets).split(",") if row.app_secrets else []
    except CannotDecrypt:
        return []
