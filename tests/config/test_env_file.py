"""Settings are added to `.env`, and nothing else of it changes."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest
from dotenv.parser import parse_stream
from hypothesis import assume, given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("export TOKEN=old\n", "export TOKEN='a b'\n"),
        ("export  TOKEN = 'old # 1'   # of Ana\r\n", "export  TOKEN = 'a b'   # of Ana\r\n"),
        ("TOKEN=old # of Ana, 'until' May", "TOKEN='a b' # of Ana, 'until' May"),
        ('TOKEN="old \\" it"# of Ana\n', "TOKEN='a b'# of Ana\n"),
        ("\n\n  'TOKEN'=old#no note  \n", "\n\n  'TOKEN'='a b'  \n"),
        ("TOKEN=''\t# of Ana\n", "TOKEN='a b'\t# of Ana\n"),
        ("TOKEN=  # of Ana\n", "TOKEN='a b' # of Ana\n"),
        ("TOKEN=  \n", "TOKEN='a b'\n"),
        ("TOKEN='old\nlines' # of Ana\n", "TOKEN='a b' # of Ana\n"),
    ],
)
def test_of_a_line_that_is_set_anew_the_value_alone_changes(before: str, after: str) -> None:
    change = env_file.add(f"FIRST=1\n{before}", {"TOKEN": "a b"}, replace=True)

    assert change.text == f"FIRST=1\n{after}"
    assert env_file.add(change.text, {"TOKEN": "a b", "FIRST": "1"}) == env_file.Addition(change.text, (), ())


@given(before=st.text(st.sampled_from("AB= \t'\"#\\\r\nexport"), max_size=25))
def test_whatever_stands_there_what_was_set_is_read(before: str) -> None:
    """However odd the file, the value is read again, and whatever else was read of it."""
    text = f"{before}\nTOKEN=old # note\n{before}"
    read = list(parse_stream(StringIO(text)))
    assume(not any(line.error for line in read))  # no gateway starts with such a file
    known = {line.key: line.value for line in read if line.key and line.value is not None}

    change = env_file.add(text, {"TOKEN": "EAA|x", "A": "b c"}, replace=True)

    lines = [line for line in parse_stream(StringIO(change.text)) if line.key and line.value is not None]
    assert {line.key: line.value for line in lines} == known | {"TOKEN": "EAA|x", "A": "b c"}


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
