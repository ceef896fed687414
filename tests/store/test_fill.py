"""Databases that benchmarks fill past the gateway are as the gateway would have made them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from app import migrations
from app.db.database import Database
from app.domain.search_terms import parse_terms
from app.models import ContactIndexQueue, Message, MessageIndexQueue
from app.store.message_list import MessageFilter
from app.store.message_search import find
from benchmarks.lists.data import Data
from tests.conftest import KINDS
from tests.load.postgres import NoPostgres, own_database

MESSAGES = 300


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database, of its own also on PostgreSQL: filling takes its indexes away for a while."""
    try:
        on_file = nullcontext(f"sqlite:///{tmp_path}/filled.db")
        with own_database() if request.param == "postgresql" else on_file as url:
            made = Database(url)
            migrations.upgrade(made)
            yield made
            made.dispose()
    except NoPostgres as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("findable", [True, False])
def test_a_filled_database_has_its_indexes_and_finds_its_messages(database: Database, findable: bool) -> None:
    before = _schema(database)
    Data(MESSAGES).load(database, findable=findable)
    assert _schema(database) == before
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == MESSAGES
        words = session.scalars(select(Message.message).order_by(Message.timestamp.desc())).first() or ""
        rarest = words.split()[-1]  # its number
        found = find(session, parse_terms(rarest), MessageFilter(), limit=5, before=None)
        assert len(found) == (1 if findable else 0)
        waiting = session.scalar(select(func.count()).select_from(MessageIndexQueue))
        assert waiting == (0 if findable else MESSAGES)
        assert session.scalar(select(func.count()).select_from(ContactIndexQueue)) == MESSAGES // 10
    if findable:
        with database.write() as session:  # the triggers are back
            change = text("UPDATE messages SET message = 'changed' WHERE message LIKE :end")
            session.execute(change, {"end": f"% {rarest}"})
        with database.read() as session:
            assert session.scalar(select(func.count()).select_from(MessageIndexQueue)) == 1
            assert not find(session, parse_terms(rarest), MessageFilter(), limit=5, before=None)


def _schema(database: Database) -> set[tuple[str, str]]:
    if database.is_sqlite:
        with database.read() as session:
            known = session.execute(text("SELECT idx, stat FROM sqlite_stat1")).all()  # what plans depend on
            found = session.execute(text("SELECT name, sql FROM sqlite_master")).all()
            return {(str(name), str(what)) for name, what in [*known, *found]}
    there = inspect(database.engine)
    return {  # PostgreSQL writes the condition of a partial index in another way when it is made of its own text
        (table, f"{index['name']}: {index['column_names']}, {'postgresql_where' in index.get('dialect_options', {})}")
        for table in there.get_table_names() for index in there.get_indexes(table)
    }  # fmt: skip
