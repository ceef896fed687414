"""Where settings come from: the environment, `.env`, and `.env` read anew while a server runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.config import environment
from app.config.environment import FROM_PARENT, load_environment, overruled, read_anew, take
from app.config.errors import ConfigError


def test_the_environment_wins_over_the_env_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = "\ufeffHOST=::1\r\nPORT=9001\nSECRET_KEY='a$HOME#b'\n"
    (project / ".env").write_text(written + "# a comment\nexport LOG_DIR=\"logs here\"\n")
    monkeypatch.setenv("PORT", "9002")

    environ = load_environment()

    assert environ["HOST"] == "::1"
    assert environ["PORT"] == "9002"
    assert environ["SECRET_KEY"] == "a$HOME#b"
    assert environ["LOG_DIR"] == "logs here"


def test_an_env_file_that_is_not_text_is_a_problem(project: Path) -> None:
    (project / ".env").write_bytes(b"PORT=\xff\xfe")

    with pytest.raises(ConfigError, match=r"\.env: cannot be read"):
        load_environment()


def test_a_line_that_sets_nothing_is_named_by_its_number_and_never_shown(project: Path) -> None:
    lines = ["PORT=1", "API_KEY=the-first-half-of", "wrapped-secret", "", "= nameless", "HOST='unclosed", "# note", ""]
    (project / ".env").write_text("\n".join(lines))

    with pytest.raises(ConfigError) as caught:
        load_environment()

    lines_named = caught.value.problems[:3]
    assert lines_named == [f".env, line {line}: must be NAME=value, or begin with # as a note" for line in (3, 5, 6)]
    assert any(problem.startswith("SECRET_KEY: ") for problem in caught.value.problems[3:])  # all that is wrong at once
    assert "PORT" not in environment._added  # nothing of a file that cannot be understood


def test_without_a_file_the_environment_is_all_there_is(project: Path) -> None:
    assert load_environment() is os.environ
    assert read_anew() == dict(os.environ)


def test_what_the_environment_says_otherwise_is_named_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text("API_KEY=abc#def\nPORT=8000\nHOST=127.0.0.1\nLOG_LEVEL=\n")
    for name, text in (("API_KEY", "abc"), ("PORT", "8000"), ("LOG_LEVEL", "DEBUG")):
        monkeypatch.setenv(name, text)

    load_environment()
    first = overruled()
    load_environment()

    assert first == ["API_KEY"]  # cut by another reader of the file; an empty text in the file asks for nothing
    assert overruled() == ["API_KEY"]


def test_reading_anew_follows_the_file_and_leaves_the_environment_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".env").write_text("PORT=1\nHOST=::1\nLOG_LEVEL=INFO\n")
    monkeypatch.setenv("PORT", "2")
    load_environment()
    (project / ".env").write_text("PORT=3\nLOG_LEVEL=DEBUG\nWORKER=external\n")

    found = read_anew()

    assert (os.environ["HOST"], os.environ["LOG_LEVEL"]) == ("::1", "INFO")  # nothing is changed yet
    take(found)
    settings = {"PORT": "2", "LOG_LEVEL": "DEBUG", "WORKER": "external"}
    assert {name: os.environ.get(name) for name in (*settings, "HOST")} == {**settings, "HOST": None}


def test_a_process_of_a_server_reads_no_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text("PORT=1\n")
    monkeypatch.setenv(FROM_PARENT, "1")

    assert "PORT" not in load_environment()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, and an environment that is put back afterwards."""
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "_added", {})
    monkeypatch.setattr(environment, "_overruled", [])
    monkeypatch.setattr(os, "environ", {})
    return tmp_path
