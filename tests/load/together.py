"""Drills that mostly wait, run side by side: each in a thread of its own, each still a test of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

Drill = Callable[[Path], None]


@contextmanager
def together(drills: Mapping[str, Drill], directory: Path, at_once: int = 6) -> Iterator[dict[str, Future[None]]]:
    """Start every drill in a folder of its own; `result()` of its future waits for it and raises what it raised."""
    with ThreadPoolExecutor(at_once) as pool:
        yield {name: pool.submit(_run, drill, directory / str(number)) for number, (name, drill) in
               enumerate(drills.items())}  # fmt: skip


def _run(drill: Drill, directory: Path) -> None:
    directory.mkdir()
    drill(directory)
