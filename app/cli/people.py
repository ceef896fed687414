"""`people …`: who works in the inbox, and the links by which they sign in."""

from __future__ import annotations

from typing import Any

import click

from app.cli.answers import Listed, answering, given_alone, listing, when
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.tables import Row


@click.group(cls=CommandGroup)
def people() -> None:
    """People who work in the inbox."""


def _named(name: str) -> str:
    """The id of a person, in whatever case the name is typed."""
    for person in api().list_people():
        if name.casefold() == person["name"].casefold() or name == person["id"]:
            return person["id"]
    raise click.ClickException("There is no person of that name; `people list` shows all.")


def _ids(_context: click.Context, _option: click.Parameter, value: tuple[str, ...]) -> list[str] | None:
    return [each.strip() for text in value for each in text.split(",") if each.strip()] or None


numbers_option = click.option(
    "--number", "--numbers", "numbers", multiple=True, callback=_ids,
    help="A phone_number_id, or several with commas; without any, all numbers.",
)  # fmt: skip


@people.command("add")
@click.argument("name")
@click.option("--role", default="agent", show_default=True, help="agent reads and answers; admin also sees the system.")
@numbers_option
@answering(lambda link: str(link["url"]))
def add(name: str, role: Any, numbers: list[str] | None) -> Any:
    """Add a person and print a link by which they sign in, once, within an hour.

    \b
    Example:
      people add Ana --role agent
    """
    person = api().add_person(name=name, role=role, **given_alone(numbers=numbers))
    return api().add_person_link(person["id"])


@people.command("link")
@click.argument("name")
@click.option("--revoke", is_flag=True, help="Take back the links that were not used yet, and make none.")
@answering(lambda answer: answer.get("url") or f"{answer['revoked']} taken back.")
def link(name: str, revoke: bool) -> Any:
    """Print another link by which a person signs in, once, within an hour.

    \b
    Example:
      people link Ana
    """
    person_id = _named(name)
    return api().revoke_person_links(person_id) if revoke else api().add_person_link(person_id)


def _row(person: Any) -> Row:
    return {
        "name": person["name"],
        "role": person["role"],
        "numbers": ["all numbers"] if person["numbers"] is None else sorted(person["numbers"]),
        "state": "disabled" if person["disabled_at"] else "in use",
        "sessions": person["sessions"],
        "last_seen_at": when(person["last_seen_at"]),
        "id": person["id"],
    }


@people.command("list")
@listing(empty="Nobody was added; `people add NAME --role admin` adds the first.", paged=False)
def list_people() -> Listed:
    """Show all people.

    \b
    Example:
      people list
    """
    return Listed(api().list_people(), _row)


@people.command("change")
@click.argument("name")
@click.option("--role", required=True, help="agent or admin.")
@numbers_option
@answering(lambda person: f"{person['name']} is {person['role']}.")
def change(name: str, role: Any, numbers: list[str] | None) -> Any:
    """Change what a person may do and see, at once.

    \b
    Example:
      people change Ana --role admin
    """
    return api().change_person(_named(name), role=role, numbers=numbers)


@people.command("disable")
@click.argument("name")
@answering(lambda person: f"{person['name']} has no access any more.")
def disable(name: str) -> Any:
    """Take a person's access away at once; what they did stays theirs.

    \b
    Example:
      people disable Ana
    """
    return api().change_person(_named(name), disabled=True)


@people.command("enable")
@click.argument("name")
@answering(lambda person: f"{person['name']} needs a new link: `people link`.")
def enable(name: str) -> Any:
    """Give a person their access back; they need a new link.

    \b
    Example:
      people enable Ana
    """
    return api().change_person(_named(name), disabled=False)


@people.command("sign-out")
@click.argument("name")
@answering(lambda answer: f"{answer['revoked']} sessions ended.")
def sign_out(name: str) -> Any:
    """Sign a person out everywhere, and take their links back.

    \b
    Example:
      people sign-out Ana
    """
    return api().sign_out_person(_named(name))


@people.command("remove")
@click.argument("name")
@answering(lambda answer: "Removed.")
def remove(name: str) -> Any:
    """Delete a person.

    \b
    Example:
      people remove Ana
    """
    return api().remove_person(_named(name))
