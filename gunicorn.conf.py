"""How gunicorn serves the gateway: `gunicorn -c gunicorn.conf.py wsgi:app` (the file is found by itself, too).

The master migrates the database before any worker starts, and keeps the embedded worker (and, without a token, the
simulator) running beside the web workers. It imports none of the application: workers do, after the fork.
"""

import gc
import os
import shutil
import signal
import subprocess
import sys
import time

from app import metrics_directory
from app.config.settings import load_config, load_environment
from app.errors import ConfigError
from app.logs import console, formatter
from app.logs.gunicorn import GunicornLogger
from app.process import draining
from app.process.draining import Phase
from app.process.echo_bot import ECHO_BOT, MARK
from app.process.supervisor import WORKER, Children, commands

ROOT = os.path.dirname(os.path.abspath(__file__))
EXIT_SECONDS = 25
"""How long a stop may take after the drain: requests in flight and the worker together, then what stood in for Meta."""


def _end_early(number, frame):
    """Say what a signal ended before gunicorn hears signals itself, in place of a traceback."""
    sys.stderr.write("Stopped before anything was served.\n")
    sys.exit(128 + number)


signal.signal(signal.SIGINT, _end_early)

try:
    _settings = load_config(load_environment())
except ConfigError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(2)

_own_metrics = metrics_directory.make() if metrics_directory.DIRECTORY not in os.environ else None
if _own_metrics:
    os.environ[metrics_directory.DIRECTORY] = _own_metrics

_is_json = _settings.log_format == "json"
_say = console(_settings, "master")
GunicornLogger.lines = formatter(_settings, "web server")
logger_class = GunicornLogger

chdir = ROOT
bind = f"{'[' + _settings.host + ']' if ':' in _settings.host else _settings.host}:{_settings.port}"
workers = _settings.web_concurrency
worker_class = _settings.web_worker_class
threads = _settings.web_threads if _settings.web_worker_class == "gthread" else 1
worker_connections = 1000
keepalive = 5
timeout = 30
graceful_timeout = EXIT_SECONDS - 4
control_socket_disable = True
accesslog = None
# What a request says of where it came from is believed by the application alone, as TRUSTED_PROXIES says.
forwarder_headers = ""
secure_scheme_headers = {}
loglevel = "warning"

_children = Children(
    commands(
        worker=_settings.worker == "embedded",
        simulator=_settings.simulator,
        echo_bot=_settings.starts_echo_bot,
        root=ROOT,
    ),
    {**os.environ, MARK: ECHO_BOT, "FLASK_SKIP_DOTENV": "1", draining.DESCRIPTOR: str(draining.descriptor())},
    pass_fds=(draining.descriptor(),),
    tell=_say,
    is_read=_is_json,
)


def on_starting(server):
    """Bring the database up to date, once, before anybody uses it."""
    migrate = [sys.executable, "-m", "app.cli", "migrate"]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} if _is_json else {}
    done = subprocess.run(migrate, cwd=ROOT, env={**os.environ, "FLASK_SKIP_DOTENV": "1"}, check=False, **output)
    for line in (done.stdout or "").splitlines():
        _say(line)
    if done.returncode:
        sys.exit(1)


def when_ready(server):
    """Start the children, and make a stop an orderly one, whichever processes were sent SIGTERM or SIGINT."""
    server.children = _children  # a reload reads this file anew, and the children are the first reading's
    stop_workers = server.handle_term

    def stop():
        # Whoever signals the master twice, say once by its group, must not make gunicorn drop requests in flight.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _say(f"Stopping; what is in hand is finished first, for up to {_settings.drain_seconds + EXIT_SECONDS} s.")
        draining.enter(Phase.DRAINING)
        _children.hold()
        time.sleep(_settings.drain_seconds)
        _begin_end(server)
        _drop_signals(server)
        stop_workers()

    server.handle_term = server.handle_int = stop
    _children.start()
    _say(f"Listening on {_addresses(server)}")
    if _settings.simulator:
        bot = " and an echo bot answers" if _settings.starts_echo_bot else ""
        _say(f"No WHATSAPP_ACCESS_TOKEN is set, so a simulator stands in for Meta{bot}.")
        _say(f"Write to it as a customer: http://127.0.0.1:{_settings.port + 1}")


def post_worker_init(worker):
    """Stop when the master does; and spare Python's collector what was made at start and stays.

    Going through all of it would take a request 90 ms.
    """
    draining.follow(worker.handle_exit, is_led=True)
    gc.collect()
    gc.freeze()


def on_exit(server):
    """See the worker to its end, then those that stood in for others, and leave nothing behind."""
    children = getattr(server, "children", _children)
    if not hasattr(server, "end_by"):
        _begin_end(server)
    children.wait(server.end_by - time.monotonic() - 1.5, WORKER)
    children.stop()
    children.wait(3)
    if _own_metrics:
        shutil.rmtree(_own_metrics, ignore_errors=True)


def _begin_end(server):
    draining.enter(Phase.STOPPING)
    server.end_by = time.monotonic() + EXIT_SECONDS
    getattr(server, "children", _children).stop(WORKER)


def _addresses(server):
    """Return what is really bound: gunicorn's own --bind, or a socket of systemd's, may differ from HOST and PORT."""
    found = []
    for listener in server.LISTENERS:
        name = listener.sock.getsockname()
        if not isinstance(name, tuple):
            found.append(f"unix:{name}")
            continue
        host, port = name[:2]
        found.append(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    return ", ".join(found) or f"http://{bind}"


def _drop_signals(server):
    """Forget what came before they were ignored: gunicorn looks for a second SIGINT while its workers finish."""
    while not server.SIG_QUEUE.empty():
        server.SIG_QUEUE.get_nowait()
