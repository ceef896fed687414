"""Record in the audit log that a worker runs with other settings than the one before it: their names, never values."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime

from app.config.settings import Config, setting_name, settings
from app.db.database import Database
from app.logs import get_logger
from app.security.encryption import CannotDecrypt
from app.services.audit_log import record_act
from app.services.erasures import ErasureLedger
from app.store import upkeep

_CHECK = ""
"""A name that no setting has: its fingerprint tells whether others were made with the same key."""

logger = get_logger(__name__)


def record_changed_settings(config: Config, database: Database, ledger: ErasureLedger, now: datetime) -> list[str]:
    """Compare the settings with those that a worker had last; record and return the names of those that differ.

    What is stored is an HMAC of each value that is not the default, with the ledger's random key, so that nobody can
    guess a value from the database alone. The first worker of a database records nothing. Raises `Unavailable`.
    """
    with database.write() as session:
        try:
            key, _ = ledger.key(session)
        except CannotDecrypt:
            logger.warning("changes of settings cannot be recorded: ENCRYPTION_KEY is not the one of the database")
            return []
        found = _fingerprints(config, key)
        row = upkeep.find(session, upkeep.SETTINGS)
        known: dict[str, str] = json.loads(row.place) if row is not None and row.place else {}
        if found == known:
            return []
        upkeep.note(session, upkeep.SETTINGS, place=json.dumps(found, separators=(",", ":")), at=now)
        if known.get(_CHECK) != found[_CHECK]:
            return []
        changed = sorted(name for name in found.keys() | known.keys() if found.get(name) != known.get(name))
        record_act(session, now, act="settings.changed", subject="settings", details={"names": changed})
    logger.info("settings are not those of the worker before", extra={"reason": ", ".join(changed)})
    return changed


def _fingerprints(config: Config, key: bytes) -> dict[str, str]:
    values = {setting_name(each): (getattr(config, each.name), each.default) for each in settings()}
    texts = {name: repr(value) for name, (value, default) in values.items() if value != default}
    return {name: _fingerprint(key, name, text) for name, text in {**texts, _CHECK: ""}.items()}


def _fingerprint(key: bytes, name: str, text: str) -> str:
    return hmac.new(key, f"setting {name}={text}".encode(), hashlib.sha256).hexdigest()[:16]
