"""CONTRIBUTING's lists name files that exist, are short, and point at tables that hold what is said of them."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from app.cli.commands import TABLE
from app.config.parsers import ROOT
from app.domain.alerts import KINDS
from app.schemas.inbound.types import TYPES
from app.schemas.message_contents import CONTENTS
from app.schemas.send import CONTENT_TYPES
from app.services.health_checks.catalogue import CHECKS
from simulator.graph.messages.types import TYPES as SIMULATED
from tests.schemas.send_bodies import BODIES

GUIDE = (ROOT / "CONTRIBUTING.md").read_text().split("## How to add something")[1].split("\n## ")[0]
KINDS_OF_CHANGE = dict(zip(*[iter(re.split(r"^### (.+)\n", GUIDE, flags=re.MULTILINE)[1:])] * 2, strict=True))


def steps(kind: str) -> list[str]:
    """The numbered lines of a kind of change."""
    return re.findall(r"^\d\. (.+)$", KINDS_OF_CHANGE[kind], re.MULTILINE)


def test_all_nine_kinds_of_change_take_four_files_at_most() -> None:
    assert len(KINDS_OF_CHANGE) == 9
    assert {kind: len(steps(kind)) for kind in KINDS_OF_CHANGE if not 3 <= len(steps(kind)) <= 4} == {}


@pytest.mark.parametrize("kind", KINDS_OF_CHANGE)
def test_every_step_names_a_file_or_a_folder_for_one_and_a_name_inside(kind: str) -> None:
    for step in steps(kind):
        path = ROOT / re.findall(r"`([^`]+)`", step)[0]
        if re.search(r"NAME|NNNN", path.name):
            assert any(each.suffix == path.suffix for each in path.parent.iterdir()), step
            continue
        assert path.is_file(), step
        named = re.search(r"(?:in|of) `(\w+)`", step)
        assert named is None or re.search(rf"^(?:class )?{named[1]}\b", path.read_text(), re.MULTILINE), step


def test_the_tables_hold_what_the_guide_says() -> None:
    assert {read.__module__.rpartition(".")[0] for read in TYPES.values()} == {"app.schemas.inbound"}
    assert set(CONTENTS) >= {name for name in TYPES if name not in ("contacts", "interactive")}
    assert set(SIMULATED) >= set(CONTENT_TYPES)
    assert {body["type"] for body in BODIES.values()} >= set(CONTENT_TYPES) - {"pin"}
    assert {check.kind for check in CHECKS} <= set(KINDS)
    for name, (module, _) in TABLE.items():
        assert module == f"app.cli.{name}"
        assert hasattr(import_module(module), name)
    numbers = [path.name[:4] for path in sorted((ROOT / "app" / "migrations" / "versions").glob("[0-9]*.py"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
