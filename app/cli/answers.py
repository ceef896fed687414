"""How commands say what the API answers: lists, single things, and what was done. With `--json`, exactly as the API."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from app.cli.tables import Row, is_terminal, json_option, show

if TYPE_CHECKING:
    from whatsapp_service_client import Pages

LARGEST_PAGE = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of the API, and what of each item stands in the table."""

    pages: Pages[Any]
    row: Callable[[Any], Row]


def listing(*, empty: str, paged: bool = True) -> Callable[[Callable[..., Listed]], Callable[..., None]]:
    """Make a command of a function that returns `Listed`. If `paged`, it is given `limit` and `cursor`."""

    def decorate(ask: Callable[..., Listed]) -> Callable[..., None]:
        @wraps(ask)
        def command(as_json: bool, everything: bool = False, **given: Any) -> None:
            if everything:
                given["limit"] = LARGEST_PAGE
            listed = ask(**given)
            items, cursor = _all(listed.pages) if everything or not paged else _first(listed.pages)
            if as_json:
                write_json({"data": items, "next_cursor": cursor})
                return
            show([listed.row(each) for each in items], empty=empty)
            if cursor is not None and is_terminal():
                click.echo(f"There is more: --all, --limit, or --cursor {cursor}", err=True)

        if paged:
            limit = click.IntRange(1, LARGEST_PAGE)
            command = click.option("--cursor", help="Where the last page ended.")(command)
            command = click.option("--all", "everything", is_flag=True, help="Every page.")(command)
            command = click.option("--limit", type=limit, default=50, show_default=True)(command)
        return json_option(command)

    return decorate


def answering(say: Callable[[Any], str]) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """Make a command of a function that returns the API's answer, which `say` puts into words."""

    def decorate(ask: Callable[..., Any]) -> Callable[..., None]:
        @wraps(ask)
        def command(as_json: bool, **given: Any) -> None:
            answer = ask(**given)
            if as_json:
                write_json(answer)
            else:
                click.echo(say(answer))

        return json_option(command)

    return decorate


def showing(ask: Callable[..., Mapping[str, Any]]) -> Callable[..., None]:
    """Make a command of a function that returns one thing of the API: a line for each fact of it that is known."""

    @wraps(ask)
    def command(as_json: bool, **given: Any) -> None:
        answer = ask(**given)
        if as_json:
            write_json(answer)
        else:
            show_facts(answer)

    return json_option(command)


def show_facts(answer: Mapping[str, Any]) -> None:
    """Print one thing: two columns on a terminal, tab-separated lines in a pipe. What is null is left out."""
    rows = [{"": name, " ": _said(value)} for name, value in _flat(answer) if value not in (None, [], {}, "")]
    show(rows, empty="Nothing is known of it.")


def write_json(answer: Any) -> None:
    """Print JSON as the API has it."""
    click.echo(json.dumps(answer, indent=1, ensure_ascii=False))


def when(text: str | None) -> datetime | None:
    """Return a time of the API, for a table."""
    return datetime.fromisoformat(text) if text else None


def a_time(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    """Read a time that somebody typed: ISO 8601, in UTC if it does not say. For `callback=` of an option."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("must be a time as 2026-01-31T12:00:00Z, or a date") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def time_option(name: str, help: str) -> Callable[..., Any]:
    """An option that takes a time."""
    return click.option(name, callback=a_time, metavar="TIME", help=help)


def given_alone(**values: Any) -> dict[str, Any]:
    """Return what was given: neither None nor an empty tuple."""
    return {name: value for name, value in values.items() if value is not None and value != ()}


def _flat(answer: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in answer.items():
        if isinstance(value, Mapping) and value:
            found += _flat(value, f"{before}{name}.")
        else:
            found.append((f"{before}{name}", value))
    return found


def _said(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first(pages: Pages[Any]) -> tuple[list[Any], str | None]:
    page = pages.first()
    return list(page), page.next_cursor


def _all(pages: Pages[Any]) -> tuple[list[Any], None]:
    found: list[Any] = []
    for page in pages.pages():
        found += page
        if page.next_cursor is not None and sys.stderr.isatty():
            click.echo(f"\r{len(found):,} so far ...\r", err=True, nl=False)
    return found, None
