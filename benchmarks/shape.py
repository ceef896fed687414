"""The shape of the code, of the working tree or any commit: sizes, import cycles, arrows between rooms.

    python -m benchmarks.shape [COMMIT] [--largest 5]

Counts `app` and `simulator` without empty files and without the migrations, which are history. A function's lines are
counted from its `def` to its end. A cycle is a group of modules that import each other while they are loaded; imports
inside functions and under `TYPE_CHECKING` do not count, and a second figure counts those inside functions as well.
"""

from __future__ import annotations

import argparse
import ast
import io
import statistics
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("app", "simulator")
SERVICES = "app.services."


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", nargs="?", help="a commit, a tag or a branch; without it the working tree")
    parser.add_argument("--largest", type=int, default=0, help="name so many of the largest modules, too")
    asked = parser.parse_args()
    sources = of_commit(asked.commit) if asked.commit else of_working_tree()
    for line in report(sources):
        print(line)
    sizes = sorted(((text.count("\n"), name) for name, text in sources.items()), reverse=True)
    for lines, name in sizes[: asked.largest]:
        print(f"{lines:6}  {name}")


def report(sources: dict[str, str]) -> Iterator[str]:
    """The figures as lines of text, of sources by the name of their module."""
    trees = {name: ast.parse(text) for name, text in sources.items()}
    functions = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    at_load = {name: imports(name, tree, sources, inside_functions=False) for name, tree in trees.items()}
    at_all = {name: imports(name, tree, sources, inside_functions=True) for name, tree in trees.items()}
    rooms, arrows = service_rooms(at_all)
    yield f"modules                            {len(sources)}"
    yield f"lines of a module, median/p90/max  {spread([text.count(chr(10)) for text in sources.values()])}"
    yield f"functions                          {len(functions)}"
    yield f"lines of a function                {spread(functions)}"
    yield f"import cycles                      {len(cycles(at_load))}"
    yield f"the same, imports in functions too {len(cycles(at_all))}"
    yield f"app/services: rooms, arrows        {rooms}, {arrows}"


def of_working_tree() -> dict[str, str]:
    """The texts of all modules that count, by the module's dotted name."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return _named((str(path.relative_to(ROOT)), path.read_text()) for path in files)


def of_commit(commit: str) -> dict[str, str]:
    """The same of a commit. Raises `CalledProcessError` for one that git does not know."""
    known = subprocess.run(
        ["git", "ls-tree", "--name-only", commit, *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True
    )
    packed = subprocess.run(
        ["git", "archive", commit, *known.stdout.split()], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        python = [member for member in archive.getmembers() if member.isfile() and member.name.endswith(".py")]
        texts = ((member.name, archive.extractfile(member)) for member in python)
        return _named((name, file.read().decode()) for name, file in texts if file is not None)


def imports(name: str, tree: ast.Module, known: dict[str, str], *, inside_functions: bool) -> set[str]:
    """Which of the known modules a module imports."""
    found: set[str] = set()
    for node in _statements(tree, inside_functions):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {
                target if (target := f"{node.module}.{alias.name}") in known else node.module for alias in node.names
            }
    return (found & known.keys()) - {name}


def cycles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Groups of two modules or more that reach each other (strongly connected components)."""
    reach = {name: _reachable(graph, name) for name in graph}
    groups = {frozenset(other for other in reach[name] if name in reach[other]) for name in graph}
    return [set(group) for group in groups if len(group) > 1]


def service_rooms(graph: dict[str, set[str]]) -> tuple[int, int]:
    """How many files and packages lie directly in `app/services`, and how many of them import how many others."""
    room_of = {name: name.removeprefix(SERVICES).split(".")[0] for name in graph if name.startswith(SERVICES)}
    arrows = {
        (room, room_of[target])
        for name, room in room_of.items()
        for target in graph[name]
        if room_of.get(target, room) != room
    }
    return len(set(room_of.values())), len(arrows)


def spread(figures: list[int]) -> str:
    """Median, 90th percentile and maximum."""
    ordered = sorted(figures)
    return f"{statistics.median(ordered):.0f} / {ordered[int(len(ordered) * 0.9)]} / {ordered[-1]}"


def _named(files: Iterator[tuple[str, str]]) -> dict[str, str]:
    return {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): text
        for path, text in files
        if text.strip() and "migrations/versions" not in path
    }


def _statements(tree: ast.AST, inside_functions: bool) -> Iterator[ast.AST]:
    """All nodes that run while the module is loaded, or with `inside_functions` at any time."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not inside_functions:
            continue
        yield node
        yield from _statements(node, inside_functions)


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    left = [start]
    while left:
        for target in graph[left.pop()] - seen:
            seen.add(target)
            left.append(target)
    return seen


if __name__ == "__main__":
    main()
