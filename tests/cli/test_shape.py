"""The command line as a whole: what it lists, what it says of mistakes, from where it works, and what it imports."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from app.cli.base import HERE_ALONE
from app.cli.commands import TABLE, commands
from app.config.parsers import ROOT
from tests.conftest import SETTINGS

BARE = {"PATH": os.environ["PATH"]}


def call(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments, prog_name="whatsapp-service")


def run(
    *arguments: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=cwd, env=env, capture_output=True, text=True, timeout=60)


def test_only_our_commands_are_listed() -> None:
    listed = call("--help").output.split("Commands:\n")[1]

    assert [line.split()[0] for line in listed.splitlines()] == list(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_the_list_says_what_the_command_says_of_itself(name: str) -> None:
    command = getattr(importlib.import_module(TABLE[name][0]), name)

    assert command.name == name
    assert (command.help or "").startswith(TABLE[name][1].rstrip("."))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(("nubmers", "list"), "numbers"), (("numbers", "lst"), "list"), (("send", "1", "--templat"), "--template")],
)
def test_what_was_meant_is_suggested(typed: tuple[str, ...], meant: str) -> None:
    result = call(*typed)

    assert result.exit_code == 2
    assert re.search(f"Did you mean .*'{meant}'", result.output)


@pytest.mark.parametrize("name", sorted(HERE_ALONE))
def test_what_works_here_alone_is_refused_to_somebody_who_named_another_gateway(name: str) -> None:
    more = {"backup": ["x.tar"], "restore": ["x.tar"], "db copy": ["sqlite:///x.db", "postgresql://x@127.0.0.1/x"]}

    result = CliRunner(env={"GATEWAY_URL": "https://gateway.example"}).invoke(
        commands, [*name.split(), *more.get(name, [])], prog_name="whatsapp-service"
    )

    assert result.exit_code == 2
    assert "GATEWAY_URL names another" in result.output
    context = click.Context(commands)
    for word in name.split():  # each is a command that there is
        found = context.command.get_command(context, word) if isinstance(context.command, click.Group) else None
        assert found is not None
        context = click.Context(found, parent=context)


def test_help_and_mistakes_import_no_services() -> None:
    """All of them take more than a second to import, which nobody should wait for to read a list of options."""
    modules = ", ".join(module for module, _ in TABLE.values())
    heavy = "{'sqlalchemy', 'flask', 'marshmallow', 'alembic', 'cryptography', 'gevent'}"

    done = run(sys.executable, "-c", f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))")

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_command_that_asks_another_gateway_imports_none_of_this_one() -> None:
    program = (
        "import sys; from app.cli.commands import commands\ntry: commands(['keys', 'list'])\nexcept SystemExit: pass\n"
        "print(sorted({'flask', 'marshmallow', 'sqlalchemy', 'gevent', 'rich', 'mcp'} & set(sys.modules)))"
    )

    done = run(sys.executable, "-c", program, env=BARE | {"GATEWAY_URL": "http://127.0.0.1:9", "API_KEY": "wsk"})

    assert done.stdout == "[]\n"
    assert "Error: http://127.0.0.1:9 did not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [(ROOT / "gateway",), (Path(sys.executable).parent / "flask",)])
def test_settings_that_cannot_work_are_listed_without_a_traceback(command: tuple[Path]) -> None:
    done = run(*command, "keys", "list", env=BARE | SETTINGS | {"PORT": "many", "API_KEY": "short"})

    assert done.returncode == 2
    assert "The settings cannot work:\n" in done.stderr
    assert "  API_KEY: " in done.stderr and "  PORT: " in done.stderr
    assert "Traceback" not in done.stderr


def test_help_needs_no_settings() -> None:
    assert call("numbers", "add", "--help").exit_code == 0


@pytest.mark.parametrize("link", [False, True])
def test_it_works_from_any_folder_and_by_a_link(tmp_path: Path, link: bool) -> None:
    command = ROOT / "gateway"
    if link:
        (tmp_path / "whatsapp-service").symlink_to(command)
        command = tmp_path / "whatsapp-service"
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("raise SystemExit('this is another project')")

    done = run(command, "--version", cwd=tmp_path, env=BARE)

    assert (done.stdout, done.stderr) == ("whatsapp-service 0.1.0\n", "")


def test_without_an_installation_it_says_how_to_get_one(tmp_path: Path) -> None:
    shutil.copy(ROOT / "gateway", tmp_path)
    empty = tmp_path / "bin"
    empty.mkdir()
    (empty / "python3").write_text("#!/bin/sh\nexit 1\n")
    (empty / "python3").chmod(0o755)

    done = run(tmp_path / "gateway", "keys", "list", env={"PATH": f"{empty}:/usr/bin:/bin"})

    assert done.returncode == 1
    assert done.stderr == f"Nothing is installed here yet. Run {tmp_path}/run.sh first; it makes .venv.\n"


def test_in_the_middle_of_an_installation_it_says_so(tmp_path: Path) -> None:
    shutil.copy(ROOT / "gateway", tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".unfinished").touch()

    done = subprocess.run([tmp_path / "gateway", "keys", "list"], capture_output=True, text=True, timeout=30)

    assert done.returncode == 1
    assert done.stderr.startswith("The installation is not finished.")
