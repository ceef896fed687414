"""How gunicorn serves the gateway: `gunicorn -c gunicorn.conf.py wsgi:app` (the file is found by itself, too).

The master migrates the database before any worker starts, and keeps the embedded worker (and, without a token, the
simulator) running beside the web workers. It imports none of the application: workers do, after the fork.
"""

import gc

from app.config.parsers import ROOT
from app.logs.gunicorn import GunicornLogger
from app.process import draining
from app.start.master import EXIT_SECONDS, master, web_process_is_ready, web_process_was_forked

_master = master()
_settings = _master.settings
_has_greenlets = _settings.web_worker_class == "gevent"

logger_class = GunicornLogger
chdir = str(ROOT)
bind = _master.bind
workers = _settings.web_concurrency
worker_class = "app.start.web_process.WebProcess" if _has_greenlets else _settings.web_worker_class
threads = _settings.web_threads if _settings.web_worker_class == "gthread" else 1
worker_connections = 1000
# Longer than proxies and clients keep theirs (60 s or less): where the server closes first, a POST may be lost.
keepalive = 77
timeout = 30
graceful_timeout = EXIT_SECONDS - 4
control_socket_disable = True
accesslog = None
# What a request says of where it came from is believed by the application alone, as TRUSTED_PROXIES says.
forwarder_headers = ""
secure_scheme_headers = {}
loglevel = "warning"


def on_starting(server):
    """Bring the database up to date, once, before anybody uses it."""
    _master.migrate()


def when_ready(server):
    """Start the children, and answer signals in order."""
    _master.lead(server)


def post_fork(server, worker):
    """Hear a stop from the first moment on; and import with Python's collector at rest, which would take a tenth of
    the time and find nothing."""
    web_process_was_forked(server)
    gc.disable()


def post_worker_init(worker):
    """Stop when the master does; and spare Python's collector what was made at start and stays.

    Going through all of it would take a request 90 ms.
    """
    web_process_is_ready(worker)
    gc.collect()
    gc.freeze()
    gc.enable()


def pre_request(worker, req):
    """While the server takes its leave, let no connection wait for another request."""
    if draining.is_draining():
        req.force_close()


def on_exit(server):
    """See the children to their end."""
    _master.end()
