"""What the settings are read from: the process's environment, and what `.env` adds to it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dotenv.parser import Binding, parse_stream

from app.config.errors import ConfigError
from app.config.parsers import ROOT

FROM_PARENT = "SETTINGS_FROM_PARENT"
"""Set in the environment of processes that a server's master starts: they are given what it read, and read no `.env`.

Otherwise one that ends and is started again would have other settings than those beside it, or stumble over a line of
`.env` that is only half written."""

_added: dict[str, str] = {}
"""What came from `.env` alone."""

_overruled: list[str] = []


def load_environment() -> Mapping[str, str]:
    """Add what the project's `.env` sets and the environment does not, and return `os.environ`.

    Raises `ConfigError` when the file is there and cannot be read.
    """
    if not os.environ.get(FROM_PARENT):
        found = _of_file()
        _overruled[:] = [
            name for name, text in found.items() if text and os.environ.get(name, text) not in (text, _added.get(name))
        ]
        new = {name: text for name, text in found.items() if name not in os.environ}
        _added.update(new)
        os.environ.update(new)
    return os.environ


def overruled() -> list[str]:
    """Return the names that `.env` sets to one value and the environment, which counts, to another."""
    return list(_overruled)


def read_anew() -> dict[str, str]:
    """Return what the environment would be if `.env` were first read now; changes nothing. Raises as above."""
    return _of_file() | _own()


def take(environ: Mapping[str, str]) -> None:
    """Have the environment be what `read_anew` returned."""
    own = _own()
    for name in os.environ.keys() - own.keys():
        del os.environ[name]
    _added.clear()
    _added.update({name: text for name, text in environ.items() if name not in own})
    os.environ.update(_added)


def _own() -> dict[str, str]:
    """What the environment had before anything was added."""
    return {name: text for name, text in os.environ.items() if _added.get(name) != text}


def _of_file() -> dict[str, str]:
    """What `.env` sets. No `$` is replaced: it may be part of a secret."""
    try:
        with open(ROOT / ".env", encoding="utf-8-sig") as file:  # some editors write a mark before the first name
            lines = list(parse_stream(file))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as err:
        raise ConfigError([f".env: cannot be read ({type(err).__name__}); it must be this user's, and UTF-8"]) from None
    found = {line.key: line.value for line in lines if line.key is not None and line.value is not None}
    wrong = [line for line in lines if line.error or (line.key is not None and line.value is None)]
    if wrong:
        # Never the line itself: it may be the rest of a secret.
        form = "must be NAME=value, or begin with # as a note"
        raise ConfigError([f".env, line {_number(line)}: {form}" for line in wrong] + _problems_of(found | _own()))
    return found


def _problems_of(environ: Mapping[str, str]) -> list[str]:
    """What else is wrong, so that all of it is said at once."""
    from app.config.settings import load_config  # only here, since it is not needed where all is well

    try:
        load_config(environ)
    except ConfigError as error:
        return error.problems
    return []


def _number(line: Binding) -> int:
    text = line.original.string
    return line.original.line + text[: len(text) - len(text.lstrip())].count("\n")
