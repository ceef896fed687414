"""whatsapp-service: a gateway between Meta's WhatsApp Cloud API and your own software."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config.settings import Config

__version__ = "0.1.0"


def create_app(config: Config | None = None) -> Flask:
    """The WSGI application. Without `config`, the settings are read from the environment and `.env`.

    Raises `ConfigError` if they cannot work. Opens no connection: servers fork after this.
    """
    # Imported here, because the rooms below import this package; the directory comes first, since they make numbers.
    from app import metrics_directory

    metrics_directory.ensure()
    from flask import Flask

    from app import cli, metrics, web
    from app.config.environment import load_environment
    from app.config.settings import load_config
    from app.container import Gateway
    from app.logs import configure_logging

    config = config or load_config(load_environment())
    configure_logging(config, "web")
    metrics.warn_of_trouble()
    app = Flask(__name__)
    app.extensions["gateway"] = Gateway.build(config, __version__)
    web.init_app(app, config)
    cli.init_app(app)
    return app
