"""Run by Alembic: one transaction a migration, batch mode for SQLite."""

from collections.abc import Collection
from typing import Any

from alembic import context
from sqlalchemy import inspect, text

from app.models import Base

FIRST_THAT_SERVES = "0001"


def note_whom_it_serves(ctx: Any, step: Any, heads: Collection[Any], run_args: Any) -> None:
    """Keep, with each step up or down, the earliest revision whose release the schema still serves."""
    if not inspect(ctx.connection).has_table("schema_info"):
        return
    (revision,) = heads
    breaks = [
        script.revision
        for script in context.script.walk_revisions("base", revision)
        if not getattr(script.module, "SERVES_EARLIER_RELEASES", True)
    ]
    values = {"since": max(breaks, default=FIRST_THAT_SERVES)}
    if not ctx.connection.execute(text("UPDATE schema_info SET serves_since = :since"), values).rowcount:
        ctx.connection.execute(text("INSERT INTO schema_info (id, serves_since) VALUES (1, :since)"), values)


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    transaction_per_migration=True,
    compare_type=True,
    on_version_apply=note_whom_it_serves,
)
with context.begin_transaction():
    context.run_migrations()
