from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.config.parsers import ROOT
from tests.load.postgres import SERVER

SHOW = "import os, psycopg; print(psycopg.connect(os.environ['TEST_POSTGRES_URL']).execute('SHOW fsync').fetchone()[0])"


def run(program: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program below a server of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "TEST_POSTGRES_URL"}
    return subprocess.run(
        [sys.executable, "-m", "tests.load.forgetful_postgres", sys.executable, "-c", program],
        cwd=ROOT, env=kept | environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_command_has_a_server_of_its_own_that_waits_for_no_disk(postgres_url: str) -> None:
    done = run(SHOW)

    assert (done.stdout, done.returncode) == ("off\n", 0), done.stderr


@pytest.mark.parametrize("url", [SERVER, "postgresql://nowhere"])
def test_a_server_that_somebody_named_is_used_and_the_commands_exit_code_is_ours(url: str) -> None:
    done = run("import os, sys; print(os.environ['TEST_POSTGRES_URL']); sys.exit(3)", TEST_POSTGRES_URL=url)

    assert (done.stdout, done.returncode) == (f"{url}\n", 3), done.stderr
