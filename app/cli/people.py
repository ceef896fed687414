"""`people …`: who works in the inbox, and the links by which they sign in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from app.cli.base import CommandGroup, services
from app.cli.tables import json_option, show
from app.clock import utc_now

if TYPE_CHECKING:
    from app.services.people import ManagePeople


@click.group(cls=CommandGroup)
def people() -> None:
    """People who work in the inbox."""


def manage() -> ManagePeople:
    """Return the service, without the rest of the gateway."""
    from app.services.people import ManagePeople

    config = services().config
    return ManagePeople(services().database, utc_now, timedelta(hours=config.inbox_idle_hours))


def link_address(token: str) -> str:
    """Return the address at which a browser opens a sign-in link."""
    config = services().config
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host
    home = config.public_url or f"http://{f'[{host}]' if ':' in host else host}:{config.port}"
    return f"{home}/inbox/sign-in/{token}"


def _ids(_context: click.Context, _option: click.Parameter, value: tuple[str, ...]) -> list[str] | None:
    return [each.strip() for text in value for each in text.split(",") if each.strip()] or None


numbers_option = click.option(
    "--number", "--numbers", "numbers", multiple=True, callback=_ids,
    help="A phone_number_id, or several with commas; without any, all numbers.",
)  # fmt: skip


@people.command("add")
@click.argument("name")
@click.option("--role", default="agent", show_default=True, help="agent reads and answers; admin also sees the house.")
@numbers_option
def add(name: str, role: str, numbers: list[str] | None) -> None:
    """Add a person and print a link by which they sign in, once, within an hour."""
    person = manage().add(name, role, numbers)
    click.echo(link_address(manage().make_link(person.id)))


@people.command("link")
@click.argument("name")
@click.option("--revoke", is_flag=True, help="Take back the links that were not used yet, and make none.")
def link(name: str, revoke: bool) -> None:
    """Print another link by which a person signs in, once, within an hour."""
    person = manage().named(name)
    if revoke:
        click.echo(f"{manage().revoke_links(person.id)} taken back.")
    else:
        click.echo(link_address(manage().make_link(person.id)))


@people.command("list")
@json_option
def show_all(as_json: bool) -> None:
    """Show all people."""
    rows = [
        {
            "name": view.person.name,
            "role": view.person.role,
            "numbers": ["all numbers"] if view.person.numbers is None else sorted(view.person.numbers),
            "state": "disabled" if view.disabled_at else "in use",
            "sessions": view.sessions,
            "last_seen_at": view.last_seen_at,
            "id": view.person.id,
        }
        for view in manage().all()
    ]
    show(rows, as_json=as_json, empty="Nobody was added; `people add NAME --role admin` adds the first.")


@people.command("change")
@click.argument("name")
@click.option("--role", required=True, help="agent or admin.")
@numbers_option
def change(name: str, role: str, numbers: list[str] | None) -> None:
    """Change what a person may do and see, at once."""
    manage().change(manage().named(name).id, role=role, numbers=numbers)


@people.command("disable")
@click.argument("name")
def disable(name: str) -> None:
    """Take a person's access away at once; what they did stays theirs."""
    manage().disable(manage().named(name).id)


@people.command("enable")
@click.argument("name")
def enable(name: str) -> None:
    """Give a person their access back; they need a new link."""
    manage().enable(manage().named(name).id)


@people.command("sign-out")
@click.argument("name")
def sign_out(name: str) -> None:
    """Sign a person out everywhere, and take their links back."""
    click.echo(f"{manage().sign_out(manage().named(name).id)} sessions ended.")


@people.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Delete a person."""
    manage().remove(manage().named(name).id)
