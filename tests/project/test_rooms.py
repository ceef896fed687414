"""What the layout promises: one history of the database, and a start that loads no more than it needs."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory

from app.config.parsers import ROOT

HEAVY = (
    "celery", "kombu", "amqp", "redis", "boto3", "PIL", "pillow_heif", "av", "psycopg", "cryptography", "http_ece",
    "py_vapid", "opentelemetry", "alembic",
)  # fmt: skip

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


OF_WEB = ("flask", "werkzeug", "jinja2", "gevent", "app.web", "app.start")

WORKER = f"""
import sys
import app.cli.worker, app.container, app.jobs.limited, app.jobs.starting, app.jobs.worker
print(*[name for name in {HEAVY + OF_WEB} if name in sys.modules])
"""


def test_the_database_has_one_history() -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(ROOT / "app" / "migrations"))

    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_a_start_on_sqlite_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START, str(tmp_path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_a_worker_loads_nothing_of_the_web() -> None:
    """It would take a fifth of its memory, and of the time until it works."""
    done = subprocess.run([sys.executable, "-c", WORKER], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_arrows_between_the_rooms_point_down() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout


SERVICES = "app.services."
ROOMS = sorted(path.parent.name for path in (ROOT / "app" / "services").glob("*/__init__.py"))


class Use(NamedTuple):
    """An import of something of a room's by code outside it."""

    path: str
    room: str
    module: str
    name: str


LOADED_WHEN_NEEDED = "app.services.graph_proxy.certificate"
"""It loads `cryptography`, which most installations never need."""


@cache
def uses() -> list[Use]:
    found = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        place = path.relative_to(ROOT)
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.ImportFrom)
                and (node.module or "").startswith(SERVICES)
                and node.module != LOADED_WHEN_NEEDED
            ):
                assert node.module is not None
                room = node.module.split(".")[2]
                if place.parts[:3] != ("app", "services", room):
                    found += [Use(str(place), room, node.module, each.name) for each in node.names]
    return found


def is_command(use: Use) -> bool:
    """Commands name modules, because each import is time before their first line."""
    return use.path.startswith("app/cli/")


def test_what_is_outside_a_room_imports_what_the_room_offers() -> None:
    past_the_door = [use for use in uses() if use.module != SERVICES + use.room and not is_command(use)]

    assert [f"{use.path}: {use.module}.{use.name}" for use in past_the_door] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_does_and_offers_what_others_use(room: str) -> None:
    offer = importlib.import_module(SERVICES + room)
    used = {use.name for use in uses() if use.room == room and not is_command(use)}
    used_by_commands = {use.name for use in uses() if use.room == room and is_command(use)}

    assert len((offer.__doc__ or "").strip().splitlines()) in range(3, 9)
    assert used <= set(offer.__all__) <= used | used_by_commands
