"""How commands show lists: a table on a terminal, tab-separated lines in a pipe, JSON with `--json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

Row = Mapping[str, Any]
"""One line of a list. Its keys are those of the API; its values text, numbers, times, lists of text, or `None`."""

json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


def show(rows: Sequence[Row], *, as_json: bool = False, empty: str) -> None:
    """Print a list whose rows have the same keys, in the same order. `empty` is said where there is no row.

    A pipe gets no heading and no cut or folded value, so that `cut`, `awk` and the like work on it.
    """
    if as_json:
        click.echo(json.dumps([{key: _json_value(value) for key, value in row.items()} for row in rows], indent=1))
    elif not rows:
        click.echo(empty)
    elif is_terminal():
        _print_table(rows)
    else:
        for row in rows:
            click.echo("\t".join(map(_text, row.values())).rstrip())


def is_terminal() -> bool:
    """Whether somebody looks at what is printed."""
    return sys.stdout.isatty()


def _print_table(rows: Sequence[Row]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    has_heading = any(key.strip() for key in rows[0])
    style = box.SIMPLE_HEAD if has_heading else None
    table = Table(box=style, pad_edge=False, show_header=has_heading)
    for key, value in rows[0].items():
        is_number = isinstance(value, (int, float))
        longest = max(len(_text(row[key])) for row in rows)
        table.add_column(
            key.replace("_", " "),
            justify="right" if is_number else "left",
            overflow="fold",
            min_width=longest if key == "id" or key.endswith("_id") else None,  # to be copied by a double click
        )
    for row in rows:
        table.add_row(*(Text(_text(value)) for value in row.values()))  # never read as markup
    Console().print(table)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    # What customers write must neither break a line nor command a terminal.
    return "".join(each if each.isprintable() else " " for each in text)


def _json_value(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
