"""The running application's services, for views."""

from __future__ import annotations

from typing import cast

from flask import current_app

from app.container import Gateway


def gateway() -> Gateway:
    """The services of this process."""
    return cast(Gateway, current_app.extensions["gateway"])
