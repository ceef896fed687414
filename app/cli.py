"""Commands for operators: `flask <command>`. Each parses, calls a service and prints."""

from __future__ import annotations

import json

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from app import migrations
from app.cli_endpoints import endpoints
from app.cli_handlers import handlers
from app.cli_notifications import notifications
from app.cli_numbers import numbers
from app.cli_simulator import simulate, simulator
from app.cli_verify import verify
from app.errors import GatewayError
from app.jobs.worker import run_worker
from app.logs import configure_logging
from app.services.audit_balance import Balance, audit_balance
from app.services.gateway import Gateway

keys = AppGroup("keys", help="API keys.")
audit = AppGroup("audit", help="Do the books balance?")


def init_app(app: Flask) -> None:
    """Register the commands."""
    for command in (
        migrate, worker, keys, numbers, endpoints, handlers, notifications, audit, verify, simulator, simulate,
    ):  # fmt: skip
        app.cli.add_command(command)


def _gateway() -> Gateway:
    gateway: Gateway = current_app.extensions["gateway"]
    return gateway


@click.command()
def migrate() -> None:
    """Bring the database up to date. Done by the web server itself at start."""
    try:
        migrations.upgrade(_gateway().database)
    except OSError as error:
        raise click.ClickException(
            f"The database's folder cannot be written to ({type(error).__name__}). Set DATABASE_URL to another place."
        ) from error
    except GatewayError as error:
        raise click.ClickException(error.message) from error


@click.command()
@click.option("--with-parent", is_flag=True, help="Stop when the process that started this one is gone.")
def worker(with_parent: bool) -> None:
    """Process what the web server kept. WORKER=embedded starts one by itself."""
    configure_logging(_gateway().config, "worker")
    run_worker(_gateway(), with_parent=with_parent)


@keys.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, default=["send", "read"], help="send, read, admin; may be repeated.")
@click.option("--number", "numbers", multiple=True, help="A phone_number_id; without any, all numbers.")
def add_key(name: str, scopes: tuple[str, ...], numbers: tuple[str, ...]) -> None:
    """Make a key and print it. It cannot be shown again."""
    try:
        click.echo(_gateway().api_keys.make(name, scopes, numbers))
    except GatewayError as error:
        raise click.ClickException(f"{error.message} {error.fields or ''}") from error


@keys.command("list")
def list_keys() -> None:
    """Show all keys, without the keys themselves."""
    for row in _gateway().api_keys.all():
        state = "revoked" if row.revoked_at else "in use"
        numbers = "all numbers" if row.numbers is None else ",".join(row.numbers)
        click.echo(f"{row.name}\t{','.join(row.scopes)}\t{numbers}\t{state}\tsince {row.created_at:%Y-%m-%d}")


@keys.command("revoke")
@click.argument("name")
def revoke_key(name: str) -> None:
    """Revoke a key. Every process refuses it within five seconds."""
    try:
        _gateway().api_keys.revoke(name)
    except GatewayError as error:
        raise click.ClickException(error.message) from error


@audit.command("balance")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--deep", is_flag=True, help="Read every kept webhook again and look for each of its items.")
def balance(as_json: bool, deep: bool) -> None:
    """Show what was acknowledged and what became of it. Exits with 1 when the books do not balance."""
    books = audit_balance(_gateway().database, deep=deep)
    if as_json:
        click.echo(json.dumps(books.to_dict(), indent=1))
    else:
        _print_books(books)
    if not books.is_clean:
        raise SystemExit(1)


def _print_books(books: Balance) -> None:
    states = ", ".join(f"{count} {state}" for state, count in sorted(books.notifications.items())) or "none"
    click.echo(f"Webhooks answered 200: {states}")
    click.echo(f"{'day':10}  {'number':20}  {'processed':>9}  {'duplicate':>9}  {'parked':>7}  {'quarantined':>11}")
    for (day, number), page in sorted(books.items.items()):
        click.echo(
            f"{day:10}  {number or '-':20}  {page['processed']:9}  {page['duplicate']:9}  {page['parked']:7}"
            f"  {page['quarantined']:11}"
        )
    for (day, number), page in sorted(books.sends.items()):
        click.echo(f"{day}  {number}  sends: " + ", ".join(f"{count} {state}" for state, count in sorted(page.items())))
    for (day, endpoint_id), page in sorted(books.deliveries.items()):
        states = ", ".join(f"{count} {state}" for state, count in sorted(page.items()))
        click.echo(f"{day}  endpoint {endpoint_id}  owed {sum(page.values())}: {states}")
    for problem in books.problems:
        click.echo(f"PROBLEM  {problem}")
    click.echo("The books balance." if books.is_clean else "The books do NOT balance.")
