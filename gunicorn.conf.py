"""How gunicorn serves the gateway: `gunicorn -c gunicorn.conf.py wsgi:app` (the file is found by itself, too).

The master migrates the database before any worker starts, and keeps the embedded worker (and, without a token, the
simulator) running beside the web workers. It imports none of the application: workers do, after the fork.
"""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time

from app.config import load_config, load_environment
from app.embedded import Children, commands
from app.errors import ConfigError
from app.lifecycle import start_draining

ROOT = os.path.dirname(os.path.abspath(__file__))
EXIT_SECONDS = 25

try:
    _settings = load_config(load_environment())
except ConfigError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(2)

# Read when prometheus_client is first imported, and silently ignored later.
_own_metrics = "PROMETHEUS_MULTIPROC_DIR" not in os.environ
if _own_metrics:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="whatsapp-service-metrics-")

chdir = ROOT
bind = f"{'[' + _settings.host + ']' if ':' in _settings.host else _settings.host}:{_settings.port}"
workers = _settings.web_concurrency
worker_class = _settings.web_worker_class
threads = _settings.web_threads if _settings.web_worker_class == "gthread" else 1
worker_connections = 1000
keepalive = 5
timeout = 30
graceful_timeout = EXIT_SECONDS - 7
control_socket_disable = True
accesslog = None
loglevel = "warning"

_echo_bot = _settings.simulator and not _settings.handlers  # two bots would answer each message twice
_children = Children(
    commands(
        worker=_settings.worker == "embedded", simulator=_settings.simulator, echo_bot=_echo_bot, root=ROOT
    ),
    {**os.environ, "FLASK_SKIP_DOTENV": "1"},
)


def on_starting(server):
    """Bring the database up to date, once, before anybody uses it."""
    migrate = [sys.executable, "-m", "app.cli", "migrate"]
    if subprocess.run(migrate, cwd=ROOT, env={**os.environ, "FLASK_SKIP_DOTENV": "1"}, check=False).returncode:
        sys.exit(1)


def when_ready(server):
    """Start the children, and make a stop an orderly one."""
    terminate = server.handle_term

    def drain():
        start_draining()
        time.sleep(_settings.drain_seconds)
        _children.terminate()
        terminate()

    # Gunicorn drops requests in flight on SIGINT; Ctrl-C deserves the same care as a deploy.
    server.handle_term = server.handle_int = drain
    _children.start()
    sys.stderr.write(f"Listening on http://{bind}\n")
    if _settings.simulator:
        bot = "an echo bot answers" if _echo_bot else "your handlers answer"
        sys.stderr.write(
            f"No WHATSAPP_ACCESS_TOKEN is set, so a simulator stands in for Meta and {bot}.\n"
            f"Write to it as a customer: http://127.0.0.1:{_settings.port + 1}\n"
        )


def post_worker_init(worker):
    """Spare Python's collector what was made at start and stays: going through all of it takes a request 90 ms."""
    gc.collect()
    gc.freeze()


def on_exit(server):
    """Leave nothing behind."""
    _children.terminate()
    _children.wait(5)
    if _own_metrics:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
