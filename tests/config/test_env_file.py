"""Settings are added to `.env`, and nothing else of it changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.config import env_file

TEXT = "# mine\nPORT=9000   # kept\nTOKEN=\nexport OTHER='a b'\n\nLAST=1"


def test_what_is_missing_is_added_and_what_is_empty_is_filled() -> None:
    change = env_file.add(TEXT, {"TOKEN": "EAA|x", "NEW": "a b#c"})

    assert change.text == TEXT.replace("TOKEN=", "TOKEN=EAA|x") + "\nNEW='a b#c'\n"
    assert (change.added, change.different) == (("TOKEN", "NEW"), ())


def test_what_differs_stays_unless_it_is_to_be_replaced() -> None:
    kept, replaced = (env_file.add(TEXT, {"LAST": "2", "OTHER": "a b"}, replace=each) for each in (False, True))

    assert (kept.text, kept.different) == (TEXT, ("LAST",))
    assert replaced.text == TEXT.replace("LAST=1", "LAST=2")


def test_adding_again_changes_nothing() -> None:
    once = env_file.add("", {"A": "1", "B": "it is"}).text

    assert env_file.add(once, {"A": "1", "B": "it is"}) == env_file.Addition(once, (), ())


@pytest.mark.parametrize("before", ["# TOKEN=\n", "MCP_TOKEN=\n", "#TOKEN=\r\n", "TOKEN=\n"])
def test_a_line_is_set_where_it_is_and_not_in_one_that_ends_alike(before: str) -> None:
    change = env_file.add(f"{before}TOKEN=\nLAST=1\n", {"TOKEN": "EAA"})

    assert change.text == f"{before}TOKEN=EAA\nLAST=1\n"


@pytest.mark.parametrize("value", ["it's", "two\nlines"])
def test_a_value_that_no_line_can_hold_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="A holds"):
        env_file.add("", {"A": value})


def test_the_file_is_replaced_in_one_step_for_its_owner_alone(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / ".env"
    real.write_text("A=1\n")
    real.chmod(0o644)
    link.symlink_to(real)

    env_file.write(link, "A=2\n")

    assert link.is_symlink() and real.read_text() == "A=2\n"
    assert real.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path)) == [".env", "real"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_writes_it_and_the_gateway_still_reads_it(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    os.chown(path, 4321, 1234)

    env_file.write(path, "A=2\n")

    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (4321, 1234, 0o600)


def test_a_file_that_cannot_be_replaced_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))

    with pytest.raises(OSError, match="No space"):
        env_file.write(path, "A=2\n")

    assert path.read_text() == "A=1\n"
    assert os.listdir(tmp_path) == [".env"]
