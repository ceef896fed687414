"""What a process prints: whoever reads it, or does not, keeps nobody waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.config.parsers import ROOT
from app.process.console import MOST_BYTES, Output, Stream

LINE = "x" * 99 + "\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, Output]]:
    """The reading end of a pipe, and what writes into the other."""
    reading, writing = os.pipe()
    yield reading, Output(writing)
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            pass  # the test did


def test_what_is_written_comes_out_in_order(pipe: tuple[int, Output]) -> None:
    reading, output = pipe

    for number in range(100):
        output.write(f"line {number}\n")

    assert output.flush(10)
    assert os.read(reading, 65_536).decode().splitlines() == [f"line {number}" for number in range(100)]


def test_a_reader_that_stopped_keeps_nobody_waiting_and_is_told_what_it_missed(pipe: tuple[int, Output]) -> None:
    reading, output = pipe
    began = time.monotonic()

    written = 2 * MOST_BYTES // len(LINE)
    for _ in range(written):
        output.write(LINE)

    assert time.monotonic() - began < 5
    assert not output.flush(0.01)  # nor does a process that ends wait for it
    read = _read_until(reading, output)
    output.write("after\n")
    lines = (read + _read_until(reading, output)).splitlines()
    dropped = sum(int(line.split()[0]) for line in lines if "were dropped" in line)
    assert lines[-1] == "after"
    assert dropped > 0
    assert dropped + lines.count(LINE.strip()) == written


def test_a_reader_that_is_gone_costs_its_lines_and_nothing_else(pipe: tuple[int, Output], tmp_path: Path) -> None:
    reading, output = pipe
    os.close(reading)
    output.write("one\ntwo\n")
    assert output.flush(10)

    file = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    os.dup2(file, output.descriptor)
    output.write("three\n")

    assert output.flush(10)
    assert (tmp_path / "file").read_text() == "2 lines were dropped here, because nobody took them.\nthree\n"
    os.close(file)


def test_a_full_disk_costs_its_lines_and_nothing_else() -> None:
    output = Output(os.open("/dev/full", os.O_WRONLY))

    output.write("one\n")

    assert output.flush(10)
    os.close(output.descriptor)


def test_a_pipe_that_somebody_made_non_blocking_is_waited_for(pipe: tuple[int, Output]) -> None:
    reading, output = pipe
    os.set_blocking(output.descriptor, False)

    for _ in range(2_000):
        output.write(LINE)

    assert _read_until(reading, output) == LINE * 2_000


def test_a_signal_handler_may_write_while_its_thread_does(pipe: tuple[int, Output]) -> None:
    reading, output = pipe
    before = signal.signal(signal.SIGALRM, lambda number, frame: output.write("signal\n"))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        for _ in range(3_000):
            output.write("x\n")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    found = _read_until(reading, output).splitlines()
    assert found.count("x") == 3_000
    assert "signal" in found


def test_a_forked_process_writes_its_own_lines_alone(pipe: tuple[int, Output]) -> None:
    reading, output = pipe
    output.write("parent\n")
    assert output.flush(10)

    child = os.fork()
    if not child:
        output.write("child\n")
        output.flush(10)
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 1_000) == b"parent\nchild\n"


def test_a_file_that_was_moved_away_is_opened_again_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    output = Output(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    output.write("before\n")
    output.flush(10)
    path.rename(tmp_path / "console.log.1")
    output.write("meanwhile\n")
    output.flush(10)

    output.reopen()
    output.write("after\n")
    output.flush(10)

    assert (tmp_path / "console.log.1").read_text() == "before\nmeanwhile\n"
    assert path.read_text() == "after\n"
    os.close(output.descriptor)


def test_a_stream_passes_whole_lines_on(pipe: tuple[int, Output]) -> None:
    reading, output = pipe
    stream = Stream(output)

    print("a", 1, file=stream)  # noqa: T201
    stream.write("begun")
    output.flush(10)
    first = os.read(reading, 100)
    print(" and ended", file=stream)  # noqa: T201
    stream.buffer.write(b"bytes\n")
    output.flush(10)

    assert first == b"a 1\n"
    assert os.read(reading, 100) == b"begun and ended\nbytes\n"


PROGRAM = """
import sys
{patch}
from app.process import console
console.install()
console.install()
for number in range(20_000):
    print("x" * 100, file=sys.stderr)
print("to stdout")
print("all said", file=open(sys.argv[1], "w"))
"""


@pytest.mark.parametrize("patch", ["", "from gevent import monkey; monkey.patch_all()"], ids=["threads", "gevent"])
def test_a_program_whose_reader_has_stopped_or_gone_ends_well(tmp_path: Path, patch: str) -> None:
    for name, is_gone in (("stopped", False), ("gone", True)):
        reading, writing = os.pipe()
        if is_gone:
            os.close(reading)
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(patch=patch), str(tmp_path / name)], cwd=ROOT, stdout=writing,
            stderr=writing,
        )  # fmt: skip

        assert program.wait(30) == 0
        assert (tmp_path / name).read_text() == "all said\n"
        os.close(writing)
        if not is_gone:
            os.close(reading)


def test_an_output_that_is_closed_is_no_file_of_ours(tmp_path: Path) -> None:
    program = (
        "from app.process import console; console.install(); import sys; file = open(sys.argv[1], 'w');"
        " print('not into the file', file=sys.stderr); print('nor this'); console.flush(); file.write('mine')"
    )

    done = subprocess.run(["bash", "-c", f'{sys.executable} -c "{program}" {tmp_path / "file"} >&- 2>&-'], cwd=ROOT)

    assert done.returncode == 0
    assert (tmp_path / "file").read_text() == "mine"


def _read_until(reading: int, output: Output) -> str:
    """Read all that is on its way."""
    os.set_blocking(reading, False)
    found = b""

    def is_over() -> bool:
        nonlocal found
        is_written = output.flush(0)
        try:
            found += os.read(reading, 1 << 20)
        except BlockingIOError:
            return is_written
        return False

    _wait_until(is_over)
    return found.decode()


def _wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.002)
