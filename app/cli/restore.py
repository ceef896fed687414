"""`restore`: put a backup back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.backup import progress
from app.cli.base import Command, services
from app.clock import utc_now

if TYPE_CHECKING:
    from app.container import Gateway
    from app.services.backups import Report, Settled, Unpacked
    from app.services.erasures import LedgerPart


@click.command(cls=Command)
@click.argument("source", metavar="FILE|s3://BUCKET/NAME")
@click.option("--identity", type=click.Path(path_type=Path), help="The file of age-keygen, for an encrypted backup.")
@click.option("--ledger", "ledgers", multiple=True, type=click.Path(path_type=Path), help="One more ledger file.")
@click.option("--force", is_flag=True, help="Replace a database that holds something, or seems to be in use.")
def restore(source: str, identity: Path | None, ledgers: tuple[Path, ...], force: bool) -> None:
    """Put a backup back in place of the database.

    Stop every process of the gateway first. Whoever was erased since the backup is forgotten again, and what waited to
    be sent is held, because it may have gone out since: look with `sends list`, then `sends release --reason restored`
    or `sends cancel --reason restored`.
    """
    from app.services.backups import place_of, refuse_in_use, unpacked
    from app.vault import backup_store_of

    given = services()
    database = given.database
    if not force:
        refuse_in_use(database, utc_now())
    place = place_of(source, backup_store_of(given.config))
    settled: list[Settled] = []
    with progress() as report, unpacked(place, identity, database, report) as found:
        parts = _ledgers(given.gateway, found, ledgers)

        def settle_copy(url: str) -> None:
            settled.append(_settle(url, found, parts))

        aside = _put_back(given.gateway, found, settle_copy, report)
    (done,) = settled
    click.echo(f"Restored the backup of {found.facts['created_at']}.")
    click.echo(f"{done.forgotten} people who were erased since then were forgotten again.")
    click.echo(f"{done.held} sends are held, because they may have gone out since: see `sends list`.")
    if aside is not None:
        click.echo(f"The database that was there is now {aside}; delete it when you do not need it.")


def _ledgers(gateway: Gateway, found: Unpacked, more: tuple[Path, ...]) -> list[LedgerPart]:
    """Every ledger there is: the backup's, the present database's, the file's, and those that were named."""
    from app.services.backups import check_key
    from app.services.erasures import read_ledger

    parts = [*found.ledger, *gateway.erasures.all_parts(), *(part for path in more for part in read_ledger(path))]
    check_key(parts, gateway.encryptor)
    return parts


def _put_back(
    gateway: Gateway, found: Unpacked, settle_copy: Callable[[str], None], report: Report
) -> Path | None:  # fmt: skip
    from app.services.backups import restore_postgresql, restore_sqlite

    database = gateway.database
    if not database.is_sqlite:
        restore_postgresql(found, database, report)
        settle_copy(gateway.config.database_url)
        return None
    database.dispose()
    return restore_sqlite(found, Path(str(database.url.database)), settle_copy)


def _settle(url: str, found: Unpacked, parts: list[LedgerPart]) -> Settled:
    """Bring the copy up to date, and settle it with services of its own."""
    from app import __version__
    from app.container import Gateway
    from app.jobs.process import process_due
    from app.services.backups import bring_up_to_date, restore_files, settle

    copy = Gateway.build(dataclasses.replace(services().config, database_url=url), __version__)
    try:
        bring_up_to_date(copy.database)
        done = settle(
            copy.database,
            ledger=copy.erasures,
            parts=parts,
            erase=copy.erase_contact,
            hold=copy.hold_sends,
            process=lambda: bool(process_due(copy, lambda: False)),
            now=utc_now(),
            made_at=str(found.facts["created_at"]),
        )
        if copy.media.vault is not None:
            restore_files(copy.database, copy.media.vault, found.files(), lambda size: None)
        return done
    finally:
        copy.database.empty_wal()
        copy.database.dispose()
