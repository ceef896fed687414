"""Whether this server is on its way out.

The flag lives in memory shared over fork: gunicorn's master raises it, its workers read it.
"""

from __future__ import annotations

import mmap

_flag = mmap.mmap(-1, 1)


def start_draining() -> None:
    """Say that the server stops soon: `/readyz` answers 503 from now on, everything else still works."""
    _flag[0:1] = b"\x01"


def is_draining() -> bool:
    """Whether `start_draining` was called, here or in the process that forked this one."""
    return _flag[0:1] == b"\x01"
