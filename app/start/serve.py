"""`python -m app.start.serve`: check whether the gateway can start, and run gunicorn with `gunicorn.conf.py`.

Ctrl-C gives a plain message at any moment: gunicorn handles signals only after a part of its start, and until then
Python would print a traceback.
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
        if select.select([], [2], [], 0)[1]:  # the reader of stderr may have stopped reading
            os.write(2, b"Stopped before anything was served.\n")
    os._exit(128 + number)


def main() -> None:
    """Serve until a signal ends it."""
    console.install()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end_early)
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):  # meant for a server that runs
        signal.signal(number, signal.SIG_IGN)
    from app.start import preflight  # these imports take long, and a person may press Ctrl-C meanwhile

    before = set(os.environ)
    if code := preflight.main():
        raise SystemExit(code)
    for name in os.environ.keys() - before:  # the master reads `.env` itself; gunicorn is told by `gunicorn.conf.py`
        del os.environ[name]
    import gunicorn.__main__
    from gunicorn.app.wsgiapp import run

    sys.argv = [str(gunicorn.__main__.__file__), "-c", "gunicorn.conf.py", "wsgi:app"]
    run(prog="gunicorn")


if __name__ == "__main__":
    main()
