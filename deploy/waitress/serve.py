"""waitress behind a proxy that buffers requests: `.venv/bin/python deploy/waitress/serve.py`.

Before the start: `flask migrate`, and `flask worker` as a service of its own (deploy/systemd/whatsapp-worker.service).
`SCRIPT_NAME=/gateway` in the environment serves under a prefix.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from waitress import serve  # noqa: E402

from wsgi import app  # noqa: E402

if __name__ == "__main__":
    config = app.extensions["gateway"].config
    serve(
        app,
        listen=f"{config.host}:{config.port}",
        url_prefix=os.environ.get("SCRIPT_NAME", ""),
        # Each event poll holds one, and each send while Meta answers.
        threads=config.web_threads,
        # waitress takes X-Forwarded-… away from applications. The gateway believes as many proxies as TRUSTED_PROXIES
        # says, and none of them without it.
        clear_untrusted_proxy_headers=False,
        # A gigabyte by default. The gateway has limits of its own, lower for most routes; files have up to 100 MB.
        max_request_body_size=110 * 1024 * 1024,
        # A client that is silent loses its connection after so many seconds; an event poll is not silent.
        channel_timeout=330,
        connection_limit=1000,
        ident=None,
    )
