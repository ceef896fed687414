"""What is installed is listed, pinned and locked, down to its bytes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.config.parsers import ROOT

RUNTIME, TESTS = ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt"
OURS = {"app", "tests", "benchmarks", "client", "examples", "findings", "simulator", "whatsapp_service_client", "wsgi"}
PACKAGED = [*(ROOT / "app").rglob("*.py"), *(ROOT / "simulator").rglob("*.py")]
PLUGIN = {ROOT / "simulator" / "testing.py"}  # for pytest, in the users' own tests


@pytest.mark.parametrize("listed", [RUNTIME, TESTS], ids=["runtime", "tests"])
def test_the_lock_covers_the_whole_tree_of_what_is_listed(listed: Path) -> None:
    """After a change of a requirements.txt: `./run.sh lock`."""
    locked = dict(locked_versions(listed.with_suffix(".lock")))

    direct = [each for each in requirements_of(listed)]
    assert {each.name: locked.get(canonicalize_name(each.name)) for each in direct} == {
        each.name: str(each.specifier).removeprefix("==") for each in direct
    }
    assert [name for name in tree_of(direct) if name not in locked] == []


@pytest.mark.parametrize("listed", [RUNTIME, TESTS], ids=["runtime", "tests"])
def test_the_lock_names_the_extras_that_something_asks_for(listed: Path) -> None:
    """Pip takes a pinned `coverage` for no pin of `coverage[toml]`, and then refuses the whole list."""
    text = listed.with_suffix(".lock").read_text()

    needs = needs_of(requirements_of(listed))
    asked = {(canonicalize_name(each.name), extra) for each in needs for extra in each.extras}

    pinned = {
        (canonicalize_name(name), extra)
        for name, extras in re.findall(r"^([A-Za-z0-9._-]+)\[([a-z0-9,_-]+)\]==", text, re.MULTILINE)
        for extra in extras.split(",")
    }
    assert asked <= pinned


@pytest.mark.parametrize("lock", [RUNTIME.with_suffix(".lock"), TESTS.with_suffix(".lock")], ids=["runtime", "tests"])
def test_everything_locked_has_hashes_and_no_place_of_its_own(lock: Path) -> None:
    text = lock.read_text()

    blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(blocks) > 20
    assert [block.split()[0] for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)] == []
    assert not re.search(r"https?:|file:|-index|find-links| @ ", text)


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        (RUNTIME, [*(set(PACKAGED) - PLUGIN), ROOT / "gunicorn.conf.py", ROOT / "wsgi.py"]),
        (TESTS, [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]),
    ],
    ids=["runtime", "tests"],
)
def test_what_is_imported_is_listed(listed: Path, code: list[Path]) -> None:
    providers = packages_distributions()
    names = {canonicalize_name(each.name) for each in requirements_of(listed)}

    imported = {name for file in code for name in imports_of(file)} - OURS - set(sys.stdlib_module_names)
    unlisted = {
        name for name in imported
        if not names & {canonicalize_name(each) for each in providers.get(name, [])}
    }  # fmt: skip

    assert unlisted == set()


def test_what_is_installed_is_tried_against_its_hashes(tmp_path: Path) -> None:
    """Here with one digit changed, and no network."""
    (tmp_path / "x.lock").write_text(f"click==8.5.1 --hash=sha256:{'0' * 64}\n")

    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--require-hashes", "-r",
         tmp_path / "x.lock", "--ignore-installed"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert done.returncode != 0
    assert "--require-hashes" in (ROOT / "run.sh").read_text()


def requirements_of(file: Path) -> Iterator[Requirement]:
    for line in file.read_text().splitlines():
        line = line.partition("  #")[0].strip()
        if line.startswith("-r "):
            yield from requirements_of(file.parent / line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            yield Requirement(line)


def locked_versions(lock: Path) -> Iterator[tuple[str, str]]:
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[a-z0-9,_-]+\])?==([^\s;]+)", lock.read_text(), re.M):
        yield canonicalize_name(name), version


def tree_of(direct: Iterable[Requirement]) -> set[str]:
    """The names of everything that these need, on this machine."""
    return {canonicalize_name(each.name) for each in needs_of(direct)}


def needs_of(direct: Iterable[Requirement]) -> Iterator[Requirement]:
    """These, and everything that they need, on this machine."""
    found: set[tuple[str, frozenset[str]]] = set()
    left = list(direct)
    while left:
        wanted = left.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in found:
            continue
        found.add(key)
        yield wanted
        try:
            needed = [Requirement(text) for text in requires(wanted.name) or []]
        except PackageNotFoundError:
            continue
        for each in needed:
            extras = wanted.extras or {""}
            is_needed = each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
            if is_needed:
                left.append(each)


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
