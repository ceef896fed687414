"""Writes down which functions of the gateway a process enters, each once. Python imports it at its start by its name.

`TRACE_FOLDER` holds the file `phase`, whose one byte names what is traced now (0: nothing), and takes a file of JSON
lines from each process: the phase, the time, the file, the function, and the thread.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import threading
import time
from types import FrameType
from typing import Any

APP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app")


def install(folder: str, process: str) -> None:
    """Trace this process, and all threads that it starts from now on."""
    root = os.path.realpath(APP) + os.sep
    out = os.open(os.path.join(folder, f"{process}.{os.getpid()}"), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    with open(os.path.join(folder, "phase"), "r+b") as file:
        phase = mmap.mmap(file.fileno(), 1)
    seen: set[tuple[int, str, int]] = set()

    def enter(frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call" or not phase[0]:
            return
        code = frame.f_code
        key = (phase[0], code.co_filename, code.co_firstlineno)
        if key in seen or not code.co_filename.startswith(root) or code.co_name.startswith("<"):
            return
        seen.add(key)
        path = code.co_filename.removeprefix(os.path.dirname(root[:-1]) + os.sep)
        thread = threading.current_thread().name
        os.write(out, json.dumps([phase[0], time.monotonic(), path, code.co_qualname, thread]).encode() + b"\n")

    threading.setprofile(enter)
    sys.setprofile(enter)


def process_kind() -> str:
    """Which of the gateway's processes this is, by the command that started it."""
    command = " ".join(sys.orig_argv)
    if "send_process" in command:
        return "calls"
    return "web" if "gunicorn" in command else "worker"


if "TRACE_FOLDER" in os.environ:
    install(os.environ["TRACE_FOLDER"], process_kind())
