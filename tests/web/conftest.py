"""Applications in odd situations."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config.settings import Config
from app.container import Gateway
from tests.conftest import with_settings


@pytest.fixture
def away(app: Flask, config: Config) -> FlaskClient:
    """A client of a gateway whose database is not there."""
    is_sqlite = config.database_url.startswith("sqlite")
    gone = "sqlite:////nonexistent-folder/whatsapp.db" if is_sqlite else "postgresql://postgres@127.0.0.1:1/nowhere"
    app.extensions["gateway"] = Gateway.build(with_settings(config, database_url=gone), "0")
    return app.test_client()
