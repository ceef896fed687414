"""Whatever order Meta's words come in, and however often: the same statuses, and the same people.

A model keeps what was said; after every few words the database must say the same. Long form, 10,000 steps and more of
each on each database, counted: `DRILL=long .venv/bin/pytest -s tests/drills/test_any_order.py`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.config.settings import load_config
from app.container import Gateway
from app.jobs.process import process_due
from app.models import Contact, ContactAlias, ContactNumber, Message, StatusReport
from app.security.meta_signatures import sign_meta
from app.services.operations.audit import audit_balance
from app.services.registries.numbers import NumberDirectory
from app.store import contacts
from tests.conftest import APP_SECRET, KINDS, SETTINGS, empty
from tests.drills.conftest import database_of, sized
from tests.factories import PNID, SENT_AT, change, echo, message_body, notification, status_body, to_bytes
from tests.load.migrated import migrated_sqlite

STATUSES = ("sent", "delivered", "read", "played", "failed")
RANK = {"sent": 0, "delivered": 1, "read": 2, "played": 3}
PHONES = ("34600000001", "34600000002", "34600000003", "34600000004")
USERS = ("ES.1001", "ES.1002", "ES.1003", "ES.1004")
LEAST_STEPS = 10_000
RUN = settings(
    stateful_step_count=sized(25, 100),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)


class Words(RuleBasedStateMachine):
    """A gateway on an empty database, and Meta's words to it. `steps` counts the webhooks that were worked in."""

    fresh: ClassVar[Callable[[], str]]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        where = {"DATABASE_URL": Words.fresh(), "LOG_DIR": tempfile.gettempdir()}
        with patch.object(NumberDirectory, "_keep_fresh"):
            self.gateway = Gateway.build(load_config(SETTINGS | where), "test")
            assert self.gateway.directory.current.numbers
        self.said: list[Any] = []

    def hear(self, body: Any) -> None:
        """Let Meta say something, and work it in."""
        raw = to_bytes(body)
        self.said.append(body)
        self.gateway.receive(raw, sign_meta(APP_SECRET, raw), "test")
        while process_due(self.gateway, lambda: False):
            pass
        Words.steps += 1

    @rule(data=st.data())
    def say_again(self, data: st.DataObject) -> None:
        """Meta repeats itself: nothing changes."""
        if self.said:
            self.hear(data.draw(st.sampled_from(self.said)))

    def teardown(self) -> None:
        """See that the books balance, and take everything away."""
        assert audit_balance(self.gateway.database, deep=True).problems == []
        self.gateway.database.dispose()


class Statuses(Words):
    """Messages written on the phone, and reports on them, which may come first."""

    def __init__(self) -> None:
        super().__init__()
        self.status: dict[str, str] = {}
        self.reports: dict[str, dict[str, int]] = {}

    @rule(wamid=st.sampled_from(["wamid.a", "wamid.b"]))
    def write(self, wamid: str) -> None:
        """Somebody writes a message on the business's phone. What was reported of it before counts in its own order."""
        self.hear(notification(change(field="smb_message_echoes", message_echoes=[echo(wamid)])))
        if wamid not in self.status:
            waiting = self.reports.get(wamid, {})
            self.status[wamid] = "sent"
            for word in sorted(waiting, key=lambda word: waiting[word]):
                self.status[wamid] = led_to(self.status[wamid], word)

    @rule(
        wamid=st.sampled_from(["wamid.a", "wamid.b"]),
        words=st.lists(st.tuples(st.sampled_from(STATUSES), st.integers(0, 3)), min_size=1, max_size=3),
    )
    def report(self, wamid: str, words: list[tuple[str, int]]) -> None:
        """Meta reports, perhaps several things at once, each with a time of its own."""
        self.hear(
            status_body(*({"id": wamid, "status": word, "timestamp": str(SENT_AT + at)} for word, at in words))
        )
        for word, at in words:
            self.reports.setdefault(wamid, {}).setdefault(word, at)
            if wamid in self.status:
                self.status[wamid] = led_to(self.status[wamid], word)

    @invariant()
    def each_message_is_where_its_reports_led(self) -> None:
        """The status is exactly that, `failed` is never left, and every report is kept once."""
        with self.gateway.database.read() as session:
            rows = {row.wamid: row.status for row in session.query(Message)}
            kept = sorted((row.wamid, row.status) for row in session.query(StatusReport))
        assert rows == self.status
        assert kept == sorted((wamid, word) for wamid, words in self.reports.items() for word in words)


def led_to(current: str, reported: str) -> str:
    """Where a report leads: forward only. What failed stays so, and what was delivered did not fail."""
    if current == "failed" or (reported == "failed" and current != "sent"):
        return current
    return reported if reported == "failed" else max(current, reported, key=RANK.__getitem__)


class People(Words):
    """People who show a phone, a user id, or both; who shows two names shows that they are one person's."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[set[str]] = []
        self.newest: dict[str, int] = {}
        self.count = 0

    @rule(phone=st.sampled_from(PHONES), at=st.integers(0, 1000))
    def phone_writes(self, phone: str, at: int) -> None:
        """Somebody writes whose phone alone is shown."""
        self._write({"from": phone}, [phone], at)

    @rule(user=st.sampled_from(USERS), at=st.integers(0, 1000))
    def user_writes(self, user: str, at: int) -> None:
        """Somebody writes whose number Meta hides."""
        self._write({"from_user_id": user}, [user], at)

    @rule(phone=st.sampled_from(PHONES), user=st.sampled_from(USERS), at=st.integers(0, 1000))
    def both_are_shown(self, phone: str, user: str, at: int) -> None:
        """Somebody writes with both names."""
        self._write({"from": phone, "from_user_id": user}, [phone, user], at)

    def _write(self, sender: dict[str, str], names: list[str], at: int) -> None:
        self.count += 1
        message = {"id": f"wamid.{self.count}", "timestamp": str(SENT_AT + at), "type": "text", "text": {"body": "x"}}
        self.hear(message_body(message | sender))
        joined = set(names).union(*(group for group in self.groups if group & set(names)))
        self.groups = [group for group in self.groups if not group & joined] + [joined]
        for name in names:
            self.newest[name] = max(at, self.newest.get(name, 0))

    @invariant()
    def names_of_one_person_are_one_contact(self) -> None:
        """Contacts are the groups of names, each with the newest time of any, and no message is lost."""
        found: dict[str, set[str]] = {}
        with self.gateway.database.read() as session:
            for alias in session.query(ContactAlias):
                found.setdefault(alias.contact_id, set()).add(alias.value)
            assert sorted(map(sorted, found.values())) == sorted(map(sorted, self.groups))
            assert session.query(Contact).count() == len(self.groups)
            assert session.query(Message).where(Message.contact_id.in_(found)).count() == self.count
            for row in session.query(ContactNumber):
                newest = max(self.newest[name] for name in found[row.contact_id])
                assert row.last_inbound_at is not None and row.phone_number_id == PNID
                assert int(row.last_inbound_at.timestamp()) == SENT_AT + newest
            known = contacts.find_by_aliases(session, [("wa_id", phone) for phone in PHONES])
        assert {owner.contact.id for owner in known.values()} <= set(found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("machine", [Statuses, People])
def test_whatever_the_order_the_database_says_what_was_said(
    machine: type[Words], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _ground(kind, tmp_path) as fresh:
        monkeypatch.setattr(Words, "fresh", fresh, raising=False)
        monkeypatch.setattr(Words, "steps", 0)
        run_state_machine_as_test(machine, settings=settings(RUN, max_examples=_examples(kind)))

    print(f"{machine.__name__} on {kind}: {Words.steps:,} steps")
    assert Words.steps >= sized(1, LEAST_STEPS)


def _examples(kind: str) -> int:
    return sized(6 if kind == "sqlite" else 2, 200)


@contextmanager
def _ground(kind: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Hand over what makes an empty, migrated database of a kind, again and again the same one."""
    with database_of(kind) as url:
        path = folder / "whatsapp.db"

        def fresh() -> str:
            if url:
                empty(url)
                return url
            for old in folder.glob("whatsapp.db*"):
                old.unlink()
            shutil.copyfile(migrated_sqlite(), path)
            return f"sqlite:///{path}"

        yield fresh
