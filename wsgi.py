"""What a WSGI server loads: `wsgi:app`."""

import sys

import click

from app import create_app
from app.config.errors import ConfigError
from app.process import console

if click.get_current_context(silent=True) is None:  # a server, and no command of `flask`, which prints for a person
    console.install()

try:
    app = create_app()
except ConfigError as error:
    # A list of remedies, under any server and under `flask`, in place of a traceback.
    sys.stderr.write(f"{error}\n")
    sys.exit(2)
