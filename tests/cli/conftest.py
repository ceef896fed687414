"""What tests of commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Run a command as `flask` does."""

    def run_(*arguments: str, **more: Any) -> Result:
        with app.app_context():
            return app.test_cli_runner().invoke(args=list(arguments), **more)

    return run_
