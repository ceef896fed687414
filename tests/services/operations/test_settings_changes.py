"""The audit log tells which settings changed, and nothing of their values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.container import Gateway
from app.models import AuditEntry, Upkeep
from app.security.encryption import Encryptor
from app.services.erasures import ErasureLedger
from app.services.operations import record_changed_settings
from tests.conftest import with_settings

OTHER_KEY = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
SECRET = "EAA-another-token-of-the-tests"


def start(gateway: Gateway, **changes: Any) -> list[str]:
    """What a worker with these settings records when it starts."""
    config = with_settings(gateway.config, **changes)
    return record_changed_settings(config, gateway.database, gateway.erasures, gateway.now())


def test_each_start_with_other_settings_is_recorded_by_their_names(gateway: Gateway) -> None:
    assert start(gateway) == [] == start(gateway)
    changed = start(gateway, whatsapp_access_token=SECRET, retention_messages_days=7_654_321)
    assert changed == ["RETENTION_MESSAGES_DAYS", "WHATSAPP_ACCESS_TOKEN"]
    assert start(gateway, whatsapp_access_token=SECRET, retention_messages_days=7_654_321) == []
    assert start(gateway, whatsapp_access_token=SECRET) == ["RETENTION_MESSAGES_DAYS"]

    with gateway.database.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.act == "settings.changed")).all()
        stored = session.scalars(select(Upkeep.place).where(Upkeep.name == "settings")).one()
    assert [json.loads(entry.details)["names"] for entry in entries] == [changed, ["RETENTION_MESSAGES_DAYS"]]
    assert {entry.actor for entry in entries} == {"system"}
    for value in (SECRET, "7654321", gateway.config.secret_key):
        assert value not in str(stored) + "".join(entry.details for entry in entries)


def test_a_rotated_encryption_key_is_a_change_of_its_own_alone(gateway: Gateway) -> None:
    start(gateway)
    both = (*gateway.config.encryption_key, OTHER_KEY)

    assert start(gateway, encryption_key=both) == ["ENCRYPTION_KEY"]


def test_a_lost_encryption_key_stops_no_worker(gateway: Gateway) -> None:
    start(gateway)
    lost = ErasureLedger(gateway.database, Encryptor((OTHER_KEY,)), Path(gateway.config.erasure_ledger))

    config = with_settings(gateway.config, retention_messages_days=7_654_321)
    assert record_changed_settings(config, gateway.database, lost, gateway.now()) == []
