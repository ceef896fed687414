"""`backup`: a copy of everything, made while the gateway works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from app.cli.base import Command, services
from app.clock import utc_now

if TYPE_CHECKING:
    from app.services.backups import Report


@click.command(cls=Command)
@click.argument("target", metavar="FILE|s3://BUCKET/NAME")
@click.option("--recipient", "recipients", multiple=True, help="A public key of age (age1…); may be repeated.")
@click.option("--no-media", is_flag=True, help="Leave the files of messages out.")
@click.option("--plain", is_flag=True, help="Do not encrypt, although BACKUP_RECIPIENT names a key.")
def backup(target: str, recipients: tuple[str, ...], plain: bool, no_media: bool) -> None:
    """Write a copy of everything, made while the gateway works.

    The database, the files of messages and the ledger of erased people, of one moment, read back before it counts.
    .env is not in it: without ENCRYPTION_KEY the tokens in the copy cannot be read.
    """
    from app import __version__
    from app.services.audit_log import AuditLog
    from app.services.backups import MediaSource, create_backup, place_of
    from app.vault import backup_store_of

    given = services()
    keys = () if plain else recipients or given.config.backup_recipients
    place, vault = place_of(target, backup_store_of(given.config)), given.gateway.media.vault
    AuditLog(given.database, utc_now).record_now(act="backup.made", subject="database", details={"target": target})
    with progress() as report:
        made = create_backup(
            given.database,
            place,
            version=__version__,
            now=utc_now(),
            files=MediaSource(given.database, vault) if vault and not no_media else None,
            ledger=given.gateway.erasures.parts(),
            recipients=keys,
            report=report,
        )
    rows = sum(made.rows.values())
    click.echo(f"{target}: {made.size:,} bytes, {rows:,} rows, {made.files:,} files; read back and complete.")
    if made.missing_files:
        click.echo(f"{made.missing_files} files were not in the vault any more.")
    if not made.is_encrypted:
        click.echo("It is NOT encrypted: give --recipient, or keep it where nobody else reads.")


@contextmanager
def progress(*, counts_bytes: bool = True) -> Iterator[Report]:
    """Show a bar on a terminal, for each step of the work: of bytes, or of other things."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )

    amount = DownloadColumn() if counts_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description:>12}"), BarColumn(), amount, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total or None)
            bar.update(tasks[step], completed=done, total=total or None)

        yield report
