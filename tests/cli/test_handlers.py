from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app.container import Gateway
from tests.bots import MODULE, write_bot
from tests.conftest import on_sqlite, with_settings

pytestmark = on_sqlite


def check(app: Flask, handlers: str = MODULE) -> Result:
    app.extensions["gateway"] = Gateway.build(with_settings(app.extensions["gateway"].config, handlers=handlers), "0")
    return app.test_cli_runner().invoke(args=["handlers", "check"])


def test_it_shows_the_handlers(app: Flask, directory: Path) -> None:
    write_bot(
        directory,
        """
        def register(on):
            @on.message(type=["text", "image"])
            def answer(message, client): ...
            @on.event("*", max_age=None)
            def all(event, client): ...
        """,
    )

    result = check(app)

    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "bot:answer\tmessage.received (text, image)\tnot older than 900 s",
        "bot:all\tevery event\tof any age",
    ]


def test_it_shows_why_a_module_cannot_be_loaded(app: Flask, directory: Path) -> None:
    write_bot(directory, "import os\nraise ValueError('the whole story')")

    result = check(app)

    assert result.exit_code == 1
    assert "ValueError: the whole story" in result.output
    assert result.output.endswith("Error: bot cannot be loaded: raised ValueError at bot.py:2 in <module>\n")


def test_a_filter_that_can_match_nothing_is_refused_with_the_nearest_name(app: Flask, directory: Path) -> None:
    write_bot(
        directory,
        """
        def register(on):
            @on.message(type=["unknown:hologram", "txt"])
            def answer(message, client): ...
        """,
    )

    result = check(app)

    assert result.exit_code == 1
    assert "bot:answer: `txt` is not known; did you mean `text`?" in result.output


def test_without_the_setting_there_is_nothing_to_check(app: Flask) -> None:
    result = check(app, "")

    assert (result.exit_code, result.output) == (1, "Error: HANDLERS is not set.\n")


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path
