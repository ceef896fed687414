"""Checks of the settings: what is misspelt or overruled, whether secrets can be guessed, who may read `.env`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from app.config import environment
from app.services.doctor.context import DoctorContext
from app.services.doctor.types import Found, fail, ok, warn

_KNOWN = re.compile(r"change.?me|secret.?key|password|example|123456|abcdef|qwerty|letmein|your.?(key|token)", re.I)
FEWEST_SIGNS = 8
"""A secret with fewer different signs than this was not made by chance."""


def settings(context: DoctorContext) -> Iterator[Found]:
    """Find names that are no settings, and lines of `.env` that the environment overrules."""
    found = False
    for warning in context.config.warnings:
        found = True
        yield warn(f"{warning}.", "Correct or remove the name.", warning.partition(" ")[0])
    for name in environment.overruled():
        found = True
        yield warn(
            f"{name} is set to one value in .env and to another in the environment, which counts.",
            "Remove one of the two.", name,
        )  # fmt: skip
    if not found:
        yield ok("All settings can be read, and none is misspelt.")


def secrets(context: DoctorContext) -> Iterator[Found]:
    """Find secrets that could be guessed, and one text that serves for two purposes."""
    config = context.config
    known = {
        "API_KEY": config.api_key, "SECRET_KEY": config.secret_key, "ENCRYPTION_KEY": "".join(config.encryption_key),
        "WHATSAPP_VERIFY_TOKEN": config.whatsapp_verify_token, "FORWARD_SECRET": config.forward_secret,
    }  # fmt: skip
    known = {name: text for name, text in known.items() if text}
    weak = [name for name, text in known.items() if len(set(text)) < FEWEST_SIGNS or _KNOWN.search(text)]
    remedy = "Make another: python3 -c 'import secrets; print(secrets.token_urlsafe(32))', and restart."
    for name in weak:
        yield fail(f"{name} could be guessed.", remedy, name)
    same = [pair for pair in combinations(known, 2) if known[pair[0]] == known[pair[1]]]
    for one, other in same:
        yield fail(f"{one} and {other} are the same text, so that who knows one knows both.", remedy, one)
    if not weak and not same:
        yield ok(f"{len(known)} secrets, none of them easy to guess, no two alike.")


def env_file(context: DoctorContext) -> Iterator[Found]:
    """Find an `.env` that other users of this machine can read."""
    try:
        mode = (context.root / ".env").stat().st_mode & 0o777
    except OSError:
        yield ok("There is no .env; the settings come from the environment.")
        return
    if mode & 0o077:
        yield fail(
            f"Other users of this machine can read .env (mode {mode:o}).", "Run: chmod 600 .env", fix="modes"
        )  # fmt: skip
    else:
        yield ok(f"Only its owner can read .env (mode {mode:o}).")


def simulator(context: DoctorContext) -> Iterator[Found]:
    """Tell whether a simulator stands in for Meta."""
    if context.config.simulator:
        yield ok("The simulator stands in for Meta; `flask connect` connects a number of yours.")
    else:
        yield ok("The gateway talks to Meta itself.")
