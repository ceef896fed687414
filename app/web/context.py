"""Access of views to the services of the running application."""

from __future__ import annotations

from typing import cast

from flask import current_app

from app.container import Gateway


def gateway() -> Gateway:
    """Return the services of this process."""
    return cast(Gateway, current_app.extensions["gateway"])
