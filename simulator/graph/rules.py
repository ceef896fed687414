"""A small language for saying what Graph accepts: each rule takes a value and its path, and raises a `GraphRefusal`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from simulator.graph.errors import invalid, malformed, missing, unexpected

Rule = Callable[[Any, str], None]


def text(longest: int | None = None, *, shortest: int = 1, pattern: str | None = None) -> Rule:
    """A string of so many characters that matches `pattern` whole."""

    def rule(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise malformed(path, "must be a string.")
        if len(value) < shortest and shortest == 1:
            raise missing(path)
        if len(value) < shortest or (longest is not None and len(value) > longest):
            raise invalid(path, f"has an invalid length. Min length: {shortest}, Max length: {longest}")
        if pattern and not re.fullmatch(pattern, value):
            raise invalid(path, "has an invalid format")

    return rule


def choice(*allowed: str) -> Rule:
    """One of these words."""

    def rule(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise malformed(path, "must be a string.")
        if value not in allowed:
            raise invalid(path, f"must be one of {{{', '.join(allowed)}}}")

    return rule


def flag(value: Any, path: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise malformed(path, "must be a boolean.")


def integer(least: int, most: int) -> Rule:
    """A whole number in a range, as a number or as a string of digits."""

    def rule(value: Any, path: str) -> None:
        if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
            raise malformed(path, "must be an integer.")
        if not least <= int(value) <= most:
            raise invalid(path, f"must be between {least} and {most}")

    return rule


def decimal(least: float, most: float) -> Rule:
    """A number in a range, as a number or in the string form that Meta's own samples use."""

    def rule(value: Any, path: str) -> None:
        if isinstance(value, bool) or not re.fullmatch(r"-?\d+(\.\d+)?", str(value)):
            raise malformed(path, "must be a number.")
        if not least <= float(value) <= most:
            raise invalid(path, f"must be between {least:g} and {most:g}")

    return rule


def anything(value: Any, path: str) -> None:
    """Whatever it is, Graph passes it on."""


def structure(required: Mapping[str, Rule] | None = None, optional: Mapping[str, Rule] | None = None) -> Rule:
    """An object with these keys and no others."""
    needed, allowed = dict(required or {}), {**(required or {}), **(optional or {})}

    def rule(value: Any, path: str) -> None:
        require_object(value, path)
        for key in value:
            if key not in allowed:
                raise unexpected(key, path)
        for key in needed:
            if value.get(key) is None:
                raise missing(join(path, key))
        for key, inner in value.items():
            if inner is not None:
                allowed[key](inner, join(path, key))

    return rule


def free_object(value: Any, path: str) -> None:
    """An object whose keys are the sender's own."""
    require_object(value, path)


def array(item: Rule, least: int, most: int) -> Rule:
    """A list of so many items, each keeping to `item`."""

    def rule(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise malformed(path, "must be an array.")
        if not least <= len(value) <= most:
            raise invalid(path, f"must have between {least} and {most} items")
        for index, inner in enumerate(value):
            item(inner, f"{path}[{index}]")

    return rule


def exactly_one(*keys: str) -> Rule:
    """An object in which one of these keys is set and the others are not."""

    def rule(value: Any, path: str) -> None:
        present = [key for key in keys if value.get(key) is not None]
        if not present:
            raise missing(" or ".join(join(path, key) for key in keys))
        if len(present) > 1:
            raise invalid(path, f"may hold only one of {' and '.join(present)}")

    return rule


def every(*rules: Rule) -> Rule:
    """All of these, in order."""

    def rule(value: Any, path: str) -> None:
        for one in rules:
            one(value, path)

    return rule


def by_type(table: Mapping[str, Rule], *, key: str = "type") -> Rule:
    """An object whose `key` names the rule of the table that it keeps to."""
    named = choice(*table)

    def rule(value: Any, path: str) -> None:
        require_object(value, path)
        if value.get(key) is None:
            raise missing(join(path, key))
        named(value[key], join(path, key))
        table[value[key]](value, path)

    return rule


def require_object(value: Any, path: str) -> None:
    """Refuse anything but a JSON object."""
    if not isinstance(value, dict):
        raise malformed(path, "must be a JSON object.")


def join(path: str, key: str) -> str:
    """The path of a key inside a path, as Graph writes it."""
    return f"{path}['{key}']" if path else key
