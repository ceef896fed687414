"""What README and docs tell people to type exists, is understood, and does what is said."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.cli.commands import commands
from app.config.parsers import ROOT
from simulator.__main__ import _parser
from tests.load.gateway import API_KEY, APP_SECRET, ONE_WEB, Gateway, running

GUIDES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / ".env.example"]
OURS = r"(?:flask|\./gateway|whatsapp-service|\.venv/bin/flask)"


def blocks(text: str) -> Iterator[str]:
    """The lines of fenced blocks, those that end in a backslash joined with the next."""
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield from block.replace("\\\n", " ").splitlines()


def documented(pattern: str) -> list[str]:
    """Every command of ours that stands in a block or between backticks, without what comments on it."""
    found = set()
    for guide in GUIDES:
        text = guide.read_text()
        lines = [line.removeprefix("$ ") for line in blocks(text)] + re.findall(r"`([^`\n]+)`", text)
        for line in lines:
            line = re.sub(r"^(?:[A-Z_]+=\S+ )+", "", line).partition("   #")[0].strip()
            if re.match(pattern, line):
                found.add(line)
    return sorted(found)


@pytest.mark.parametrize("line", documented(rf"{OURS} [a-z]"))
def test_a_documented_command_is_understood(line: str) -> None:
    is_abridged = "…" in line
    words = [word for word in shlex.split(line)[1:] if word != "…"]
    command: click.Command = commands
    context = click.Context(command, info_name="whatsapp-service")
    while isinstance(command, click.Group) and words:
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, info_name=found.name, parent=context)
    options = {option for each in command.params for option in each.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options
    if words and not is_abridged and not words[-1].startswith("--") and not isinstance(command, click.Group):
        with context.scope(cleanup=False):
            command.parse_args(click.Context(command, resilient_parsing=True), [*words])


@pytest.mark.parametrize("line", documented(r"(?:\.venv/bin/)?python -m simulator"))
def test_a_documented_simulator_is_understood(line: str) -> None:
    words = shlex.split(line)[3:]

    options = _parser().parse_args(words if words and words[0] in ("say", "serve") else ["serve", *words])

    assert callable(options.run)


def test_there_are_as_many_as_we_think() -> None:
    assert len(documented(rf"{OURS} [a-z]")) > 25
    assert len(documented(r"(?:\.venv/bin/)?python -m simulator")) > 3


def test_arguments_of_test_sh_are_the_tests_that_run(tmp_path: Path) -> None:
    """An option with an optional value takes the first path for it."""
    flags = re.search(r"^ *pytest (.*) \"\$@\"", (ROOT / "test.sh").read_text(), re.MULTILINE)
    assert flags is not None
    once = re.sub(r"-n \S+ --dist loadfile --no-loadscope-reorder", "-p no:xdist", flags[1])

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *once.split(), "tests/test_ids.py", "-q", "--collect-only", "--no-cov-on-fail",
         "-p", "no:cacheprovider"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
        env=os.environ | {"COVERAGE_FILE": str(tmp_path / "coverage")},  # a file that it may delete
    )  # fmt: skip

    collected = [line for line in done.stdout.splitlines() if "::" in line]
    assert collected and all(line.startswith("tests/test_ids.py::") for line in collected)


@pytest.fixture
def first_day(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway as ./run.sh starts it for the first time."""
    simulated = {"SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": ""}
    with running(Gateway(tmp_path, simulated | ONE_WEB)) as gateway:
        gateway.wait_simulator()
        yield gateway


def test_the_first_five_minutes_go_as_the_readme_says(first_day: Gateway, tmp_path: Path) -> None:
    """Its commands, one after the other in one shell; each must do what the text beside it promises."""
    section = (ROOT / "README.md").read_text().split("## Run it in five minutes")[1].split("\n## ")[0]
    typed = [line.removeprefix("$ ") for line in blocks(section) if line.startswith("$ ")]
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".env").write_text(f"# made\nPORT={first_day.port}\nAPI_KEY={API_KEY}\n")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "gateway").symlink_to(ROOT / "gateway")

    script = "set -e\n" + "".join(f"echo '>>>'; {line}\n" for line in typed if line != "./run.sh")
    environ = first_day.env | {"API_KEY": API_KEY}
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environ, capture_output=True, text=True, timeout=120)

    assert typed[0] == "./run.sh"
    assert done.returncode == 0, done.stdout + done.stderr
    said, _, messages, sent, balance = (each.strip() for each in done.stdout.split(">>>\n")[1:])
    assert said == "You said: Hola, necesito ayuda"
    assert '"message":"Hola, necesito ayuda"' in messages
    assert sent.startswith('{"success":true') and '"status":"accepted"' in sent
    assert balance.endswith("The books balance.")


def test_the_sample_for_pytest_imports_what_it_uses(tmp_path: Path) -> None:
    (sample,) = re.findall(
        r"^```python\n(# conftest\.py\n.*?)^```", (ROOT / "docs" / "simulator.md").read_text(), re.DOTALL | re.MULTILINE
    )
    (tmp_path / "sample.py").write_text(sample.replace("…", "pass"))

    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "--select=F", "sample.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.stdout == ""
