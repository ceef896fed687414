"""The files that docs/architecture.md names on the three walks are those that the data goes through."""

from __future__ import annotations

import re

import pytest

from app.config.parsers import ROOT
from benchmarks.walks import NAMES, PROXY, QUEUED, SYNC, WEBHOOK, trace

WALKS = (ROOT / "docs" / "architecture.md").read_text().split("## Three walks\n")[1].split("\n## ")[0]


def named(title: str) -> list[str]:
    """The first file of each row of a walk's table."""
    text = WALKS.split(f"### {title}")[1].split("\n### ")[0]
    return re.findall(r"^\| \d \| `([\w/.]+)` \|", text, re.MULTILINE)


@pytest.fixture(scope="module")
def entered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Every file that was entered, by the name of the walk."""
    files: dict[str, set[str]] = {name: set() for name in NAMES.values()}
    for walk in trace(tmp_path_factory.mktemp("walks"), idle_seconds=0):
        files[walk.name] |= set(walk.files)
    return files


def test_the_walks_are_short() -> None:
    assert len(named("A webhook, from its bytes")) == 5
    assert 0 < len(named("From the job")) <= 8
    assert 0 < len(named("A send, from")) <= 8


def test_the_data_goes_through_every_file_that_is_named(entered: dict[str, set[str]]) -> None:
    webhook, job, send = named("A webhook, from its bytes"), named("From the job"), named("A send, from")

    assert set(webhook + job) - entered[NAMES[WEBHOOK]] == set()
    assert set(send) - entered[NAMES[QUEUED]] == set()
    waiting = {"app/services/sending/slots.py", "app/graph/client.py", "app/services/sending/outcomes.py"}
    assert all(f"`{path}`" in WALKS for path in waiting)
    assert waiting | set(send[:4]) <= entered[NAMES[SYNC]]
    assert waiting | {"app/web/graph/messages.py", "app/services/sending/send_message.py"} <= entered[NAMES[PROXY]]
