"""What the layout promises: one history of the database, and a start that loads no more than it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory

from app.config.parsers import ROOT

HEAVY = ("celery", "redis", "boto3", "PIL", "psycopg", "cryptography")

START = f"""
import sys
from app import create_app
from app.config.settings import load_config
create_app(load_config({{
    "API_KEY": "an-api-key-of-24-letters",
    "SECRET_KEY": "a-secret-key-of-at-least-32-letters",
    "ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "WHATSAPP_VERIFY_TOKEN": "verify-me",
    "SIMULATOR_APP_SECRET": "simulated-app-secret",
    "DATABASE_URL": "sqlite:///" + sys.argv[1] + "/wa.db",
    "LOG_DIR": sys.argv[1],
}}))
print(*[name for name in {HEAVY} if name in sys.modules])
"""


def test_the_database_has_one_history() -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(ROOT / "app" / "migrations"))

    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_a_start_on_sqlite_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START, str(tmp_path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_arrows_between_the_rooms_point_down() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout
