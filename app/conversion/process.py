"""Convert one file in a process of its own, within limits of time and memory: it reads what strangers made.

The process gets the file as standard input and nothing of the gateway's environment; it is killed at its deadline.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from app.config.parsers import ROOT
from app.conversion.refusal import Refused
from app.errors import GatewayError

SECONDS = 240
CHECK_SECONDS = 0.5
MAX_SAID = 64 * 1024

START = (
    "import sys; sys.path.insert(0, {root!r}); from app.conversion.child import main; main(sys.argv[1])"
)  # run with -I: nothing of the environment or the folder leads Python elsewhere


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made of a file: `target` is `voice`, `audio`, `video`, `image`, `sticker` or `thumbnail`, `source`
    the type that was found in it, `most_bytes` the size that Meta takes. `shrink` lets a picture be made smaller."""

    target: str
    source: str
    most_bytes: int
    shrink: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """The result: the file at `path` until the `with` block ends, or without a path the source as it is.

    `how` is `as_is`, `copied` (another container, the same packets) or `encoded`.
    """

    mime_type: str
    path: str | None
    size: int
    how: str


class NoRoom(GatewayError):
    """The disk for temporary files is full. The file itself may be well: try again."""

    code = "unavailable"
    retryable = True
    default = "There is no room on the disk for temporary files. Free some; it is tried again."


class Interrupted(Exception):
    """The gateway stops; the conversion is to be begun again by another worker."""


@contextmanager
def converted(
    order: Order, source: IO[bytes], *, seconds: int = SECONDS, is_stopping: Callable[[], bool] = lambda: False
) -> Iterator[Converted]:
    """Convert a file. Raises `Refused`, `Interrupted` and `NoRoom`.

    `source` is at its beginning, has a file descriptor and no buffer: the process moves the position that both share.
    """
    try:
        descriptor, path = tempfile.mkstemp(prefix="whatsapp-service-")
    except OSError as error:
        raise NoRoom(meta={"reason": type(error).__name__}) from error
    os.close(descriptor)
    try:
        said = _run(order, source, path, seconds, is_stopping)
        if "as_is" in said:
            yield Converted(str(said["as_is"]), None, 0, "as_is")
        else:
            yield Converted(str(said["mime_type"]), path, os.path.getsize(path), str(said["how"]))
    finally:
        with suppress(OSError):
            os.unlink(path)


def _run(
    order: Order, source: IO[bytes], path: str, seconds: int, is_stopping: Callable[[], bool]
) -> dict[str, object]:
    asked = {
        "target": order.target, "source": order.source, "path": path, "most_bytes": order.most_bytes,
        "shrink": order.shrink, "seconds": seconds,
    }  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-I", "-c", START.format(root=str(ROOT)), json.dumps(asked)],
        stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        cwd=os.path.dirname(path), start_new_session=True,
    )  # fmt: skip
    try:
        raw = _wait(child, seconds, is_stopping)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
    try:
        said = json.loads(raw)
    except ValueError:
        said = None
    if not isinstance(said, dict) or not said.keys() & {"as_is", "refused", "mime_type", "full"}:
        raise Refused("It could not be read: the program that converts it broke off.")
    if "full" in said:
        raise NoRoom
    if "refused" in said:
        raise Refused(str(said["refused"]))
    return said


def _wait(child: subprocess.Popen[bytes], seconds: int, is_stopping: Callable[[], bool]) -> bytes:
    for _ in range(round(seconds / CHECK_SECONDS)):
        if is_stopping():
            raise Interrupted
        with suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=CHECK_SECONDS)[0][:MAX_SAID]
    raise Refused(f"It takes longer than {seconds} seconds to convert.")
