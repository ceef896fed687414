"""The environment variables of handler processes: the gateway's own without its secrets."""

from __future__ import annotations

from collections.abc import Mapping

from app.config.environment import FROM_PARENT
from app.config.settings import setting_name, settings
from app.process.draining import DESCRIPTOR
from app.process.supervisor import PARENT_PID

OURS = ("PROMETHEUS_MULTIPROC_DIR", PARENT_PID, DESCRIPTOR, FROM_PARENT, "FLASK_SKIP_DOTENV", "FLASK_APP")
"""Variables that the gateway's processes set for each other; handler processes do not get them."""


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return a copy without the settings that hold secrets, or name the files that hold them."""
    secrets = {setting_name(setting) for setting in settings() if setting.metadata["secret"]}
    hidden = {*secrets, *(f"{name}_FILE" for name in secrets), *OURS}
    return {name: value for name, value in environ.items() if name not in hidden}
