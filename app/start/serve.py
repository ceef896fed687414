"""`python -m app.start.serve`: gunicorn with `gunicorn.conf.py`, and Ctrl-C answered in words from the first moment on.

Gunicorn hears signals itself only when it has started so far; until then Python would answer with a traceback.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from types import FrameType

from app.process import console


def _end_early(number: int, frame: FrameType | None) -> None:
    with suppress(OSError, ValueError):
        if select.select([], [2], [], 0)[1]:  # whoever reads there may have stopped reading
            os.write(2, b"Stopped before anything was served.\n")
    os._exit(128 + number)


def main() -> None:
    """Serve until a signal ends it."""
    console.keep_places()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end_early)
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):  # for a server, which this is not yet
        signal.signal(number, signal.SIG_IGN)
    import gunicorn.__main__  # these take their time, in which a person may have changed their mind
    from gunicorn.app.wsgiapp import run

    sys.argv = [str(gunicorn.__main__.__file__), "-c", "gunicorn.conf.py", "wsgi:app"]
    run(prog="gunicorn")


if __name__ == "__main__":
    main()
