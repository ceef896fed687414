"""What a WSGI server loads: `wsgi:app`."""

import sys

from app import create_app
from app.errors import ConfigError

try:
    app = create_app()
except ConfigError as error:
    # A list of remedies, under any server and under `flask`, in place of a traceback.
    sys.stderr.write(f"{error}\n")
    sys.exit(2)
