"""Commands for operators: `whatsapp-service <command>` anywhere, or `flask <command>` in the project's folder.

A file of commands per subject. Each command parses, calls a service and prints; `base` gives it the services and says
errors in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.commands import commands

if TYPE_CHECKING:
    from flask import Flask


def init_app(app: Flask) -> None:
    """Make `flask` know our commands."""
    app.cli = commands  # Flask only asks it for names and commands, as of any click group
