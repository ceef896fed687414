from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from app.clock import utc_now
from app.container import Gateway
from app.errors import WrongState
from app.models import Base, Endpoint, Number, WorkerSeen
from app.security.encryption import Encryptor
from app.services.erasures import ErasureLedger, read_ledger
from app.services.numbers import save_number
from app.services.operations import RotateSecrets
from app.services.operations.shared_settings import hashes_of
from app.store.encrypted import COLUMNS
from tests.conftest import on_sqlite, with_settings
from tests.factories import OTHER_PNID

NEW = Fernet.generate_key().decode()


@pytest.fixture
def old(gateway: Gateway) -> str:
    """The present key, with which a number's token, an endpoint's secrets and the ledger's key are encrypted."""
    save_number(
        gateway.database, gateway.encryptor, utc_now(), phone_number_id=OTHER_PNID, access_token="EAAtheirs",
        waba_id=None, display_phone_number=None, app_id=None,
        app_secrets=["an-app-secret-0123456789"],
    )  # fmt: skip
    row, _ = gateway.manage_endpoints.add({"url": "https://app.example.com/"})
    gateway.manage_endpoints.rotate_secret(row.id, None)
    gateway.erasures.record([("wa_id", "5491112345678")], utc_now())
    return gateway.config.encryption_key[0]


def rotation(gateway: Gateway, *keys: str) -> RotateSecrets:
    config = with_settings(gateway.config, encryption_key=keys)
    encryptor = Encryptor(keys)
    ledger = ErasureLedger(gateway.database, encryptor, Path(config.erasure_ledger))
    return RotateSecrets(config, gateway.database, encryptor, ledger, utc_now)


def test_everything_can_be_read_with_the_new_key_alone_afterwards(gateway: Gateway, old: str) -> None:
    done = rotation(gateway, NEW, old)()
    assert (done.rewritten, done.current, done.unreadable) == (5, 5, 0)
    assert rotation(gateway, NEW, old)().rewritten == 0

    alone = Encryptor([NEW])
    with gateway.database.read() as session:
        number = session.get(Number, OTHER_PNID)
        endpoint = session.scalars(select(Endpoint)).one()
        assert number is not None and number.access_token and number.app_secrets and endpoint.old_secret
        assert alone.decrypt(number.access_token) == "EAAtheirs"
        assert alone.decrypt(number.app_secrets) == "an-app-secret-0123456789"
        assert alone.decrypt(endpoint.secret) != alone.decrypt(endpoint.old_secret)
    ledger = ErasureLedger(gateway.database, alone, Path(gateway.config.erasure_ledger))
    assert ledger.is_erased(("wa_id", "5491112345678"))
    assert all(alone.can_decrypt(part.wrapped_key) for part in read_ledger(Path(gateway.config.erasure_ledger)))


@on_sqlite
def test_one_that_was_stopped_goes_on(gateway: Gateway, old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = rotation(gateway, NEW, old)
    monkeypatch.setattr("app.services.operations.rotate_secrets.COLUMNS", COLUMNS[:2])
    assert broken().rewritten == 2
    monkeypatch.undo()

    assert rotation(gateway, NEW, old)().rewritten == 3


@on_sqlite
def test_what_no_key_reads_is_counted_and_left(gateway: Gateway, old: str) -> None:
    done = rotation(gateway, NEW)()

    assert (done.rewritten, done.unreadable) == (0, 5)
    assert rotation(gateway, old).count().current == 5


@on_sqlite
def test_it_waits_for_every_process_to_have_the_new_key(gateway: Gateway, old: str) -> None:
    def seen(*keys: str) -> None:
        told = hashes_of(with_settings(gateway.config, encryption_key=keys))
        with gateway.database.write() as session:
            session.merge(WorkerSeen(id="w", seen_at=utc_now(), host="mill", settings=json.dumps(told)))

    seen(old)
    with pytest.raises(WrongState, match="mill"):
        rotation(gateway, NEW, old)()
    seen(old, NEW)

    assert rotation(gateway, NEW, old)().rewritten == 5


@on_sqlite
def test_the_list_of_encrypted_columns_is_complete(gateway: Gateway, old: str) -> None:
    """Whatever looks like an encrypted text in any table stands in a column of the list."""
    listed = {(column.model.__tablename__, column.name) for column in COLUMNS}
    with gateway.database.read() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                for column, value in zip(table.c.keys(), row, strict=True):
                    if isinstance(value, str) and value.startswith("gAAAA"):
                        assert (table.name, column) in listed
