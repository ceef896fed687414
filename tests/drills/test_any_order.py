"""Whatever order Meta's words come in, and however often: the same statuses, and the same people.

A model keeps what was said; after every few words the database must say the same. Long form, 10,000 steps and more of
each: `DRILL=long .venv/bin/pytest tests/drills/test_any_order.py`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app import migrations
from app.config import load_config
from app.database import Database
from app.domain.statuses import advance
from app.jobs.process import process_due
from app.models import Contact, ContactAlias, ContactNumber, Message, StatusReport
from app.services.audit_balance import audit_balance
from app.services.gateway import Gateway
from app.services.number_directory import NumberDirectory
from app.signing import sign_meta
from app.store import contacts
from tests.conftest import APP_SECRET, SETTINGS
from tests.drills.conftest import sized
from tests.factories import PNID, SENT_AT, change, echo, message_body, notification, status_body, to_bytes

STATUSES = ("sent", "delivered", "read", "played", "failed")
PHONES = ("34600000001", "34600000002", "34600000003", "34600000004")
USERS = ("ES.1001", "ES.1002", "ES.1003", "ES.1004")
RUN = settings(
    max_examples=sized(6, 210),
    stateful_step_count=sized(25, 50),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)


class Words(RuleBasedStateMachine):
    """A gateway on a database of its own, and Meta's words to it."""

    template: ClassVar[Path | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "whatsapp.db"
        if Words.template is None:
            migrations.upgrade(database := Database(f"sqlite:///{path}"))
            database.dispose()
            Words.template = Path(tempfile.mkdtemp()) / "template.db"
            Words.template.write_bytes(path.read_bytes())
        path.write_bytes(Words.template.read_bytes())
        logs = {"DATABASE_URL": f"sqlite:///{path}", "LOG_DIR": self.folder.name}
        with patch.object(NumberDirectory, "_keep_fresh"):
            self.gateway = Gateway.build(load_config(SETTINGS | logs), "test")
            assert self.gateway.directory.current.numbers
        self.said: list[Any] = []

    def hear(self, body: Any) -> None:
        """Let Meta say something, and work it in."""
        raw = to_bytes(body)
        self.said.append(body)
        self.gateway.receive(raw, sign_meta(APP_SECRET, raw), "test")
        while process_due(self.gateway, lambda: False):
            pass

    @rule(data=st.data())
    def say_again(self, data: st.DataObject) -> None:
        """Meta repeats itself: nothing changes."""
        if self.said:
            self.hear(data.draw(st.sampled_from(self.said)))

    def teardown(self) -> None:
        """See that the books balance, and take everything away."""
        assert audit_balance(self.gateway.database, deep=True).problems == []
        self.gateway.database.dispose()
        self.folder.cleanup()


class Statuses(Words):
    """Messages written on the phone, and reports on them, which may come first."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: set[str] = set()
        self.reports: dict[str, list[str]] = {}

    @rule(wamid=st.sampled_from(["wamid.a", "wamid.b"]))
    def write(self, wamid: str) -> None:
        """Somebody writes a message on the business's phone."""
        self.hear(notification(change(field="smb_message_echoes", message_echoes=[echo(wamid)])))
        self.sent.add(wamid)

    @rule(
        wamid=st.sampled_from(["wamid.a", "wamid.b"]),
        words=st.lists(st.sampled_from(STATUSES), min_size=1, max_size=3),
    )
    def report(self, wamid: str, words: list[str]) -> None:
        """Meta reports, perhaps several things at once."""
        self.hear(status_body(*({"id": wamid, "status": word, "timestamp": str(SENT_AT)} for word in words)))
        self.reports.setdefault(wamid, []).extend(words)

    @invariant()
    def each_message_is_as_far_as_its_reports_say(self) -> None:
        """The status is what the reports lead to, and every report is kept once."""
        with self.gateway.database.read() as session:
            rows = {row.wamid: row.status for row in session.query(Message)}
            kept = sorted((row.wamid, row.status) for row in session.query(StatusReport))
        assert set(rows) == self.sent
        for wamid, found in rows.items():
            assert found in self._possible(wamid), (found, self.reports.get(wamid))
        assert kept == sorted({(wamid, word) for wamid, words in self.reports.items() for word in words})

    def _possible(self, wamid: str) -> set[str]:
        """What the reports may lead to: their order counts only where one is the end of it."""
        words = self.reports.get(wamid, [])
        forward = "sent"
        for word in words:
            forward = advance(forward, word)
        return {forward} | ({"failed"} if "failed" in words else set()) | self._without_failed(words)

    def _without_failed(self, words: list[str]) -> set[str]:
        found = "sent"
        for word in words:
            found = found if word == "failed" else advance(found, word)
        return {found}


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


TestStatuses = Statuses.TestCase
TestStatuses.settings = RUN
TestPeople = People.TestCase
TestPeople.settings = RUN
