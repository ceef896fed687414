"""Numbers of several processes: shared under any server, there from the start, and never the end of a process."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import metrics_directory, metrics_files
from app.config.parsers import ROOT
from app.metrics_files import AllocatedFile

COUNT_TOGETHER = """
import os, sys
from app import metrics_directory
metrics_directory.ensure()
from app import metrics
for _ in range(3):
    if os.fork() == 0:
        metrics.notifications_kept.inc()
        os._exit(0)
    os.wait()
print(metrics.text().decode())
"""
FILL = """
import os, sys
from app import metrics
for number in range(3000):
    metrics.sends.labels(f"outcome {number} " + "x" * 100).inc()
metrics.notifications_kept.inc()
print(len(metrics.text()) > 0, metrics.notifications_kept._value.get())
"""


def test_processes_of_any_server_show_the_numbers_of_all(tmp_path: Path) -> None:
    first, second = _run(COUNT_TOGETHER, tmp_path), _run(COUNT_TOGETHER, tmp_path)

    assert "whatsapp_notifications_kept_total 3.0" in first
    assert "whatsapp_notifications_kept_total 6.0" in second  # a process with the same parent


def test_another_gateway_with_the_same_parent_has_its_own(tmp_path: Path) -> None:
    _run(COUNT_TOGETHER, tmp_path)

    assert "whatsapp_notifications_kept_total 3.0" in _run(COUNT_TOGETHER, tmp_path, PORT="8123")


def test_what_a_server_left_behind_that_is_gone_is_taken_away(tmp_path: Path) -> None:
    gone = tmp_path / f"{metrics_directory.PREFIX}{os.getuid()}-99999999-0"
    gone.mkdir()

    _run(COUNT_TOGETHER, tmp_path)

    assert not gone.exists()


def test_known_values_of_labels_are_there_before_the_first_event(tmp_path: Path) -> None:
    shown = _run(COUNT_TOGETHER, tmp_path)

    assert 'whatsapp_notifications_refused_total{reason="signature"} 0.0' in shown
    assert 'whatsapp_deliveries_total{outcome="failed"} 0.0' in shown
    assert 'whatsapp_items_total{outcome="parked"} 0.0' in shown


def test_no_reader_ever_meets_an_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """prometheus-client 0.26 raises at every scrape beside one, so a process killed in this moment must leave none."""
    while_made: list[list[str]] = []
    allocate = os.posix_fallocate

    def seen(descriptor: int, offset: int, length: int) -> None:
        while_made.append([path.name for path in tmp_path.glob("*.db")])
        allocate(descriptor, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", seen)

    AllocatedFile(str(tmp_path / "counter_1.db")).close()

    assert while_made == [[]]
    assert [path.name for path in tmp_path.iterdir()] == ["counter_1.db"]


def test_a_full_disk_costs_the_numbers_and_not_the_process(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * (small_disk_bytes(small_disk) - 8_192))

    process = _start(FILL, small_disk, PROMETHEUS_MULTIPROC_DIR=str(small_disk))

    assert (process.returncode, process.stdout) == (0, "True 1.0\n"), process.stderr


def test_a_disk_that_fills_later_costs_no_process_either(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * (small_disk_bytes(small_disk) - 400_000))

    process = _start(FILL, small_disk, PROMETHEUS_MULTIPROC_DIR=str(small_disk))

    assert (process.returncode, process.stdout) == (0, "True 1.0\n"), process.stderr


def test_a_file_without_room_is_not_left_for_others_to_stumble_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(metrics_files, "troubles", [])
    monkeypatch.setattr(metrics_files, "is_alone", False)

    numbers = AllocatedFile(str(tmp_path / "counter_1.db"))
    numbers.write_value("a", 3.0, 0.0)  # type: ignore[no-untyped-call]

    assert numbers.read_value("a") == (3.0, 0.0)  # type: ignore[no-untyped-call]
    assert list(tmp_path.iterdir()) == []
    assert metrics_files.troubles == ["No space left on device"]
    numbers.close()


def _run(code: str, temp: Path, **environ: str) -> str:
    process = _start(code, temp, **environ)
    assert process.returncode == 0, process.stderr
    return process.stdout


def _start(code: str, temp: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != metrics_directory.DIRECTORY}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=kept | {"TMPDIR": str(temp)} | environ, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip


def small_disk_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "small"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small disk")
    yield path
    subprocess.run(["umount", str(path)], check=True)
