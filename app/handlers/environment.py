"""The environment of a handler process: everything but what is the gateway's own to know."""

from __future__ import annotations

from collections.abc import Mapping

from app.config.environment import FROM_PARENT
from app.config.settings import setting_name, settings
from app.process.draining import DESCRIPTOR
from app.process.supervisor import PARENT_PID

OURS = ("PROMETHEUS_MULTIPROC_DIR", PARENT_PID, DESCRIPTOR, FROM_PARENT, "FLASK_SKIP_DOTENV", "FLASK_APP")
"""What our processes tell each other."""


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The same environment without our secrets, and without the names of the files that hold them."""
    secrets = {setting_name(setting) for setting in settings() if setting.metadata["secret"]}
    hidden = {*secrets, *(f"{name}_FILE" for name in secrets), *OURS}
    return {name: value for name, value in environ.items() if name not in hidden}
