"""`python -m tests.load.forgetful_postgres COMMAND…`: run it beside a PostgreSQL server that waits for no disk.

The server is at TEST_POSTGRES_URL and ends with the command, whose exit code is ours. No test is about what is left
when the power fails, and on a busy disk most of a commit is to wait for it. Where somebody named a server already, or
none is installed, the command is run as it is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack

from tests.load.postgres import NoPostgres, own_server
from tests.volatile import folder_in_memory

URL = "TEST_POSTGRES_URL"
FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def main(command: list[str]) -> int:
    """Run the command; its exit code. Ctrl-C, which goes to it as well, is its own to answer."""
    with ExitStack() as stack:
        environ = dict(os.environ)
        if URL not in environ:
            try:
                environ[URL] = stack.enter_context(own_server(*FORGETFUL, under=folder_in_memory())).url
            except NoPostgres:
                pass  # the tests that need one say so by name
        process = subprocess.Popen(command, env=environ)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: process.send_signal(number))
        return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
