from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from app.db.database import Database
from app.models import MessageDocument
from app.services.messages import search_index
from app.store import message_search
from tests.factories import message_body, text

Receive = Callable[..., None]


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_messages_of_one_moment_whose_places_are_taken_get_the_next_ones(
    receive: Receive, database: Database, monkeypatch: pytest.MonkeyPatch, get: Callable[..., Any], at_once: int
) -> None:
    monkeypatch.setattr(zlib, "crc32", lambda _: 7)
    monkeypatch.setattr(search_index, "BATCH_SIZE", at_once)
    receive(*(message_body(text(f"word{number}", timestamp=1_770_000_000)) for number in range(5)))

    while search_index.index_messages(database):
        pass

    with database.read() as session:
        first, last, count = session.execute(
            select(func.min(MessageDocument.docid), func.max(MessageDocument.docid), func.count())
        ).one()
    assert (last - first, count) == (4, 5)
    assert not message_search.any_waiting(database)
    for number in range(5):
        assert len(get("/api/messages", q=f"word{number}")["data"]) == 1
