"""Where this gateway is found."""

from __future__ import annotations

from app.config.settings import Config


def own_address(config: Config) -> str:
    """Return the address at which a browser on this machine, or anywhere where `PUBLIC_URL` is set, finds it."""
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host
    return config.public_url or f"http://{f'[{host}]' if ':' in host else host}:{config.port}"
