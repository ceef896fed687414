"""`python -m app.start.serve`: gunicorn with `gunicorn.conf.py`, and Ctrl-C answered in words from the first moment on.

Gunicorn hears signals itself only when it has started so far; until then Python would answer with a traceback.
"""

import os
import signal
import sys
from types import FrameType


def _end_early(number: int, frame: FrameType | None) -> None:
    os.write(2, b"Stopped before anything was served.\n")
    os._exit(128 + number)


def main() -> None:
    """Serve until a signal ends it."""
    signal.signal(signal.SIGINT, _end_early)
    import gunicorn.__main__  # these take their time, in which a person may have changed their mind
    from gunicorn.app.wsgiapp import run

    # Gunicorn starts itself anew (SIGUSR2) by what stands here.
    sys.argv = [str(gunicorn.__main__.__file__), "-c", "gunicorn.conf.py", "wsgi:app"]
    run(prog="gunicorn")


if __name__ == "__main__":
    main()
