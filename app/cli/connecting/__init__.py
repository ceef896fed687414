"""What `connect` does: `given` are its ids and secrets, `walk` goes from step to step, `trial` sends the test."""

from app.cli.connecting.given import Options, Stopped
from app.cli.connecting.walk import Connecting

__all__ = ["Connecting", "Options", "Stopped"]
