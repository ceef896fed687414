"""Add, change and remove the numbers the gateway speaks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.crypto import Vault
from app.database import Database
from app.errors import Invalid, NotFound
from app.services.number_directory import app_of
from app.store import numbers

SHORTEST_SECRET = 16


def save_number(
    database: Database,
    vault: Vault,
    now: datetime,
    *,
    phone_number_id: str,
    display_phone_number: str | None,
    waba_id: str | None,
    app_id: str | None,
    access_token: str | None,
    app_secrets: Sequence[str],
) -> None:
    """Add a number, or replace what is known of it. Counts in every process within five seconds.

    Without a token or secrets of its own, the settings' count for it too. Both are stored encrypted.
    Raises `Invalid`.
    """
    problems = {}
    if not phone_number_id.isascii() or not phone_number_id.isdigit():
        problems["phone_number_id"] = ["must be the number that Meta shows under API Setup, digits only"]
    if any(len(secret) < SHORTEST_SECRET or "," in secret for secret in app_secrets):
        problems["app_secret"] = [f"must have at least {SHORTEST_SECRET} characters and no comma"]
    if problems:
        raise Invalid(fields=problems)
    secrets = list(app_secrets)
    with database.write() as session:
        numbers.save(
            session,
            {
                "phone_number_id": phone_number_id,
                "display_phone_number": "".join(filter(str.isdigit, display_phone_number or "")) or None,
                "waba_id": waba_id,
                "app": app_of(app_id, secrets),
                "access_token": vault.encrypt(access_token) if access_token else None,
                "app_secrets": vault.encrypt(",".join(secrets)) if secrets else None,
                "created_at": now,
                "updated_at": now,
            },
        )


def remove_number(database: Database, phone_number_id: str) -> None:
    """Forget a number that was added. What it sent and received stays. Raises `NotFound`."""
    with database.write() as session:
        if not numbers.remove(session, phone_number_id):
            raise NotFound("No number with this phone_number_id was added.")
