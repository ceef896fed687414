from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.db.write_lock import WriteLock, WriteLockTimeout

COUNT_UP = """
import sys, time
from pathlib import Path
from app.db.write_lock import WriteLock

path, times = Path(sys.argv[1]), int(sys.argv[2])
lock = WriteLock(path)
for _ in range(times):
    with lock.hold(30):
        number = int(path.read_text())
        time.sleep(0.0005)
        path.write_text(str(number + 1))
"""

HOLD = """
import sys
from pathlib import Path
from app.db.write_lock import WriteLock

with WriteLock(Path(sys.argv[1])).hold(30):
    print("held", flush=True)
    sys.stdin.readline()
"""

FORK = """
import os, sys
from pathlib import Path
from app.db.write_lock import WriteLock, WriteLockTimeout

lock = WriteLock(Path(sys.argv[1]))
with lock.hold(5):
    pass
ready, told = os.pipe()
pid = os.fork()
if pid == 0:
    os.read(ready, 1)
    try:
        with lock.hold(0.1):
            os._exit(1)
    except WriteLockTimeout:
        os._exit(0)
with lock.hold(5):
    os.write(told, b"x")
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.parametrize("over_processes", [False, True])
def test_threads_take_turns(tmp_path: Path, over_processes: bool) -> None:
    lock = WriteLock(tmp_path / "db") if over_processes else WriteLock()
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with lock.hold(30):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0002)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert (most, inside) == (1, 0)


def test_processes_take_turns(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")

    processes = [subprocess.Popen([sys.executable, "-c", COUNT_UP, str(counter), "50"]) for _ in range(3)]

    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert counter.read_text() == "150"


def test_while_another_process_holds_it_one_waits_only_so_long(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path / "db"):
        with pytest.raises(WriteLockTimeout), WriteLock(tmp_path / "db").hold(0.05):
            pytest.fail("two writers at once")

    with WriteLock(tmp_path / "db").hold(5):
        pass


def test_while_another_thread_holds_it_one_waits_only_so_long() -> None:
    lock = WriteLock()

    with lock.hold(1), pytest.raises(WriteLockTimeout), lock.hold(0.05):
        pytest.fail("two writers at once")


def test_the_turn_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path / "db") as process:
        process.kill()
        process.wait(10)

        with WriteLock(tmp_path / "db").hold(10):
            pass


def test_a_lock_opened_before_a_fork_excludes_the_child(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FORK, str(tmp_path / "db")]

    result = subprocess.run(command, timeout=30, check=False)

    assert result.returncode == 0


def test_an_error_inside_gives_the_turn_back(tmp_path: Path) -> None:
    lock = WriteLock(tmp_path / "db")

    with pytest.raises(ZeroDivisionError), lock.hold(1):
        raise ZeroDivisionError

    with lock.hold(1):
        pass


def test_a_folder_that_is_not_there_is_an_os_error_and_blocks_nobody(tmp_path: Path) -> None:
    lock = WriteLock(tmp_path / "nowhere" / "db")

    for _ in range(2):
        with pytest.raises(OSError), lock.hold(0.1):
            pytest.fail("nothing was locked")


def test_a_greedy_process_does_not_starve_the_one_that_waits(tmp_path: Path) -> None:
    lock = WriteLock(tmp_path / "db")
    stop = threading.Event()
    turns = {"greedy": 0, "other": 0}

    def be_greedy() -> None:
        while not stop.is_set():
            with lock.hold(30):
                turns["greedy"] += 1
                time.sleep(0.002)

    greedy = threading.Thread(target=be_greedy)
    greedy.start()
    counter = tmp_path / "db"
    counter.write_text("0")
    other = subprocess.run([sys.executable, "-c", COUNT_UP, str(counter), "20"], timeout=30, check=False)
    stop.set()
    greedy.join(10)

    assert other.returncode == 0
    assert counter.read_text() == "20"


def test_closed_it_leaves_no_file_open_and_can_be_held_again(tmp_path: Path) -> None:
    lock = WriteLock(tmp_path / "db")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with lock.hold(1):
            pass
        lock.close()
        lock.close()

    assert len(os.listdir("/proc/self/fd")) == before


def test_its_files_are_private(tmp_path: Path) -> None:
    with WriteLock(tmp_path / "db").hold(1):
        modes = {path.name: os.stat(path).st_mode & 0o777 for path in tmp_path.iterdir()}

    assert modes == {"db-queue": 0o600, "db-turn": 0o600}


@contextmanager
def held_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the lock meanwhile."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        if process.poll() is None:
            process.communicate("\n", timeout=10)
