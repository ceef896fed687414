"""`contacts …`: who writes to us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli.answers import Listed, answering, given_alone, listing, showing
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.tables import Row


@click.group(cls=CommandGroup)
def contacts() -> None:
    """People who write to your numbers."""


def _row(contact: Any) -> Row:
    windows = contact["windows"].values()
    return {
        "name": contact["name"],
        "phone": f"+{contact['wa_id']}" if contact["wa_id"] else contact["user_id"],
        "window": "open" if any(each["is_open"] for each in windows) else "closed" if windows else None,
        "opted_out": bool(contact["opt_outs"]),
        "id": contact["id"],
    }


@contacts.command("list")
@click.option("--q", help="A beginning of the name.")
@click.option("--phone", help="A phone number in any notation.")
@click.option("--username", help="A WhatsApp username.")
@click.option("--number", help="Those who wrote to this phone_number_id.")
@listing(empty="No contact is like that.")
def list_contacts(**query: Any) -> Listed:
    """Show contacts, the newest first.

    \b
    Examples:
      contacts list --q ana
      contacts list --phone "+54 9 11 1234-5678"
    """
    return Listed(api().list_contacts(**query), _row)


@contacts.command("show")
@click.argument("contact_id")
@showing
def show_contact(contact_id: str) -> Any:
    """Show a contact, by id or phone number, with windows and opt-outs by number.

    \b
    Example:
      contacts show +5491112345678
    """
    return api().get_contact(contact_id)


@contacts.command("change")
@click.argument("contact_id")
@click.option("--name")
@click.option("--notes")
@click.option("--opted-out/--opted-in", default=None, help="Whether they want no marketing.")
@click.option("--number", "phone_number_id", help="The phone_number_id that the opt-out is about; without it, all.")
@answering(lambda contact: f"{contact['id']} was changed.")
def change(contact_id: str, **asked: Any) -> Any:
    """Change what is noted of a contact.

    \b
    Example:
      contacts change +5491112345678 --name "Ana María" --opted-out
    """
    if not given_alone(**asked):
        raise click.UsageError("Say what to change: --name, --notes, --opted-out or --opted-in.")
    return api().change_contact(contact_id, **given_alone(**asked))


@contacts.command("handover")
@click.argument("contact_id")
@click.option("--to", "answered_by", type=click.Choice(["human", "bot"]), required=True, help="Who answers now.")
@click.option("--number", "phone_number_id", help="The phone_number_id it is about, if you have several.")
@answering(lambda contact: f"{contact['id']} was handed over.")
def handover(contact_id: str, answered_by: Any, phone_number_id: str | None) -> Any:
    """Let a person, or the bot, answer a contact.

    \b
    Example:
      contacts handover +5491112345678 --to bot
    """
    return api().hand_over_contact(contact_id, to=answered_by, **given_alone(phone_number_id=phone_number_id))


@contacts.command("export")
@click.argument("contact_id")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(contact_id: str, file: Path) -> None:
    """Write everything about a contact into FILE: a zip, with their messages and files.

    \b
    Example:
      contacts export +5491112345678 ana.zip
    """
    with api().export_contact(contact_id, format="zip") as download:
        click.echo(f"{file}: {download.save(file):,} bytes.")


@contacts.command("erase")
@click.argument("contact_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@answering(lambda answer: "Erased.")
def erase(contact_id: str, yes: bool) -> Any:
    """Erase a contact for good, with messages and files.

    \b
    Example:
      contacts erase +5491112345678 --yes
    """
    if not yes:
        click.confirm("Their messages and files cannot be had back. Go on?", abort=True)
    return api().erase_contact(contact_id)
