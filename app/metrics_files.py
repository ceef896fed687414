"""The files in which the processes of one server keep their numbers.

prometheus_client maps files that have no blocks on the disk yet; on a full disk the kernel then ends the process (by
SIGBUS) at a write, or at a read. Import this before the first number is made.
"""

from __future__ import annotations

import mmap
import os
from typing import Any

from prometheus_client import mmap_dict, values

is_alone = False
"""Whether numbers of this process are in its memory alone."""

troubles: list[str] = []
"""Why this process counts for itself alone; empty where it does not. Found before there is a log to write it to."""


class AllocatedFile(mmap_dict.MmapedDict):
    """A file of numbers whose blocks are on the disk before it is mapped; without room for them, memory alone."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            try:
                _allocate(filename, mmap_dict._INITIAL_MMAP_SIZE)
            except OSError as error:
                self._stay_in_memory(error)
                return
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Let go of the file, if there is one."""
        if self._f is not None:
            super().close()  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        needed = self._used + len(key.encode()) + 64
        if needed > self._capacity:
            self._grow(needed)
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _grow(self, needed: int) -> None:
        capacity = self._capacity
        while capacity < needed:
            capacity *= 2
        if self._f is not None:
            try:
                _allocate(self._fname, capacity)
            except OSError as error:
                self._stay_in_memory(error, self._m[: self._used])
        if self._f is None:
            self._m.extend(bytes(capacity - self._capacity))
        else:
            self._m = mmap.mmap(self._f.fileno(), capacity)
        self._capacity = capacity

    def _stay_in_memory(self, error: OSError, so_far: bytes = b"") -> None:
        global is_alone
        is_alone = True
        troubles.append(error.strerror or type(error).__name__)
        used, positions = (self._used, self._positions) if so_far else (8, {})
        self._f: Any = None
        self._capacity = max(mmap_dict._INITIAL_MMAP_SIZE, len(so_far))
        self._m: Any = bytearray(so_far.ljust(self._capacity, b"\0"))
        self._used, self._positions = used, positions
        mmap_dict._pack_integer(self._m, 0, used)  # type: ignore[no-untyped-call]


def _allocate(filename: str, size: int) -> None:
    """Make a file, and have the disk set aside room for its first `size` bytes. Raises `OSError` if it cannot.

    A new file gets its name when it has its size: an empty one makes every scrape of every process raise.
    """
    is_new = not os.path.exists(filename)
    allocated = f"{filename}.new" if is_new else filename
    descriptor = os.open(allocated, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    there = os.fstat(descriptor).st_size
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, max(size, there))
        elif there < size:
            os.pwrite(descriptor, bytes(size - there), there)
        if is_new:
            os.rename(allocated, filename)
    except OSError:
        if is_new:
            os.unlink(allocated)
        raise
    finally:
        os.close(descriptor)


values.MmapedDict = AllocatedFile  # type: ignore[attr-defined]
