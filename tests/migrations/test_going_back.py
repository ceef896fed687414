"""Earlier and later releases on one database, and the way back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from app import migrations
from app.cli.commands import commands
from app.container import Gateway
from app.db.database import Database
from app.db.failures import Trouble
from app.errors import Unavailable
from app.services.operations.readiness import check_health
from tests.conftest import SETTINGS

LATER = """
import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = "{head}"
SERVES_EARLIER_RELEASES = False


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("of_later", sa.Text()))


def downgrade() -> None:
    op.drop_column("endpoints", "of_later")
"""


class Release:
    """Which release's migrations are there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, monkeypatch

    def be_later(self) -> None:
        """One with a migration more, after which earlier releases cannot run."""
        shutil.copytree(Path(migrations.__file__).parent, self._folder, ignore=shutil.ignore_patterns("__pycache__"))
        (self._folder / "versions" / "9001_later.py").write_text(LATER.format(head=migrations.head()))
        self._patch.setattr(migrations, "_FOLDER", self._folder)
        migrations._revisions.cache_clear()

    def be_ours(self) -> None:
        self._patch.undo()
        migrations._revisions.cache_clear()


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Release]:
    release = Release(tmp_path / "later", monkeypatch)
    yield release
    release.be_ours()


def test_a_schema_that_serves_no_earlier_release_is_refused_in_words(empty: Database, release: Release) -> None:
    migrations.upgrade(empty)
    ours = migrations.head()
    release.be_later()
    migrations.upgrade(empty)
    release.be_ours()

    with pytest.raises(Unavailable) as refused:
        migrations.upgrade(empty)

    assert refused.value.reason.startswith("A later release brought the database to revision 9001, which serves rele")
    assert f"migrate --to {ours}" in refused.value.reason
    health = check_health(empty, datetime.now(UTC))
    assert (health.schema, health.reason) == (False, Trouble.LATER_SCHEMA)
    with pytest.raises(migrations.WrongRevision, match="at 9001, which only the release that made it can take back"):
        migrations.go_to(empty, ours)


def test_a_worker_alone_says_so_and_ends(empty: Database, release: Release, tmp_path: Path) -> None:
    release.be_later()
    migrations.upgrade(empty)
    release.be_ours()

    done = _run_worker(empty, tmp_path)

    assert done.exit_code == 1
    said = "Error: A later release brought the database to revision 9001, "
    assert re.fullmatch(rf"{said}[^\n]* to go back\.\n", done.output)


@pytest.mark.parametrize("is_migrated", [False, True])
def test_a_worker_begins_on_any_other_schema(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_migrated: bool
) -> None:
    """Without tables it waits: who serves makes them."""
    begun: list[Gateway] = []
    monkeypatch.setattr("app.jobs.worker.run_worker", lambda gateway, **_: begun.append(gateway))
    if is_migrated:
        migrations.upgrade(empty)

    assert (_run_worker(empty, tmp_path).exit_code, len(begun)) == (0, 1)
    begun[0].database.dispose()


def test_a_worker_begins_without_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Gateway] = []
    monkeypatch.setattr("app.jobs.worker.run_worker", lambda gateway, **_: begun.append(gateway))

    done = _run_worker(Database("postgresql+psycopg://nobody@127.0.0.1:9/x"), tmp_path)

    assert (done.exit_code, len(begun)) == (0, 1)


def _run_worker(database: Database, folder: Path) -> Result:
    """Run it here, but for its own way to the console, which would be the tests'."""
    env = SETTINGS | {"DATABASE_URL": database.url.render_as_string(hide_password=False), "LOG_DIR": str(folder)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.process.console.install", lambda: None)
        return CliRunner().invoke(commands, ["worker"], env=env)


def test_the_later_release_goes_back_and_the_earlier_runs_again(empty: Database, release: Release) -> None:
    ours = migrations.head()
    release.be_later()
    migrations.upgrade(empty)
    assert serves_since(empty) == "9001"

    migrations.go_to(empty, ours)

    assert serves_since(empty) == "0001"
    release.be_ours()
    migrations.upgrade(empty)
    assert check_health(empty, datetime.now(UTC)).schema is True


def test_the_command_goes_back_and_forth(empty: Database, tmp_path: Path) -> None:
    migrations.upgrade(empty)
    env = SETTINGS | {"DATABASE_URL": empty.url.render_as_string(hide_password=False), "LOG_DIR": str(tmp_path)}

    def call(*arguments: str, answer: str = "") -> str:
        return CliRunner().invoke(commands, ["migrate", *arguments], env=env, input=answer).output

    assert "is deleted" in call("--to", "0020", answer="n\n")
    assert at(empty) == migrations.head()
    assert call("--to", "0020", "--yes") == "The database is at 0020.\n"
    assert at(empty) == "0020"
    assert check_health(empty, datetime.now(UTC)).reason == Trouble.NO_TABLES
    assert call("--to", migrations.head()) == f"The database is at {migrations.head()}.\n"
    assert f"can go to 0011 to {migrations.head()}, and not to 9999" in call("--to", "9999")
    assert "not to 0003" in call("--to", "0003", "--yes")


def at(database: Database) -> str | None:
    with database.engine.connect() as connection:
        return migrations.current(connection)


def serves_since(database: Database) -> str:
    with database.read() as session:
        found: str = session.execute(text("SELECT serves_since FROM schema_info")).scalar_one()
        return found
