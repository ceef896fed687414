"""The tasks of gunicorn's master besides gunicorn's own: migrate, run the children, stop in order, reload settings.

`gunicorn.conf.py` makes the master and calls it. It imports none of the application: web processes do, after the fork.
"""

from __future__ import annotations

import atexit
import os
import queue
import shutil
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Any

from app import metrics_directory
from app.config import environment
from app.config.errors import ConfigError
from app.config.parsers import ROOT
from app.config.settings import Config, load_config, setting_name, settings
from app.logs import console as log_console
from app.logs import formatter
from app.logs.gunicorn import GunicornLogger
from app.process import console, draining
from app.process.draining import Phase
from app.process.echo_bot import ECHO_BOT, MARK
from app.process.supervisor import WORKER, Children, commands
from app.security.endpoint_urls import is_this_machine

EXIT_SECONDS = 25
"""How long a stop may take after the drain: requests in flight and the worker together, then the simulator."""

RESTART_ONLY = frozenset(
    "HOST PORT SIMULATOR SIMULATOR_APP_SECRET DATABASE_URL WORKER WEB_WORKER_CLASS METRICS_HOST METRICS_PORT"
    " LOG_FORMAT".split()
)
"""Settings that a reload cannot change, because sockets, children and the database are set up once at start."""

INVITATION = "Answer as the team: "
"""How the line begins in which the migration's process tells a link into the inbox."""

PHONE_PATH = "/simulator/"
"""Where the gateway's own port leads to the simulator's pages: the way in on hosts that offer one port."""

STOPPED_EARLY = "Stopped before anything was served.\n"


class Master:
    """The master of one server, from reading its settings to the end of its last child."""

    def __init__(self) -> None:
        """Read the settings, or print what is wrong and exit with code 2. Signals are handled from here on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end_early)
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):  # they have a meaning only once gunicorn serves
            signal.signal(number, signal.SIG_IGN)
        try:
            self.settings = load_config(environment.load_environment())
        except ConfigError as error:
            sys.stderr.write(f"{error}\n{_overruled()}")
            sys.exit(2)
        os.environ[environment.FROM_PARENT] = "1"
        self._make_metrics_directory()
        self._speak()
        if environment.overruled():
            self.say(_overruled())
        self._children = Children(
            commands(
                worker=self.settings.worker == "embedded",
                simulator=self.settings.simulator,
                echo_bot=self.settings.starts_echo_bot,
                root=str(ROOT),
            ),
            self._environ_of_children(),
            pass_fds=(draining.descriptor(),),
            tell=lambda line: self.say(line),
        )
        self._end_by: float | None = None
        self._invitation = ""

    def _speak(self) -> None:
        """Format lines as the settings say, and remove the settings' secrets from them."""
        self.say = log_console(self.settings, "master")
        GunicornLogger.lines = formatter(self.settings, "web server")

    def _make_metrics_directory(self) -> None:
        if metrics_directory.DIRECTORY in os.environ:
            return
        made = metrics_directory.make()
        if made is None:
            return
        os.environ[metrics_directory.DIRECTORY] = made
        # Run at the very end, after any end but SIGKILL.
        atexit.register(_remove, made, os.getpid())

    def _environ_of_children(self) -> dict[str, str]:
        return {
            **os.environ, MARK: ECHO_BOT, "FLASK_SKIP_DOTENV": "1", draining.DESCRIPTOR: str(draining.descriptor()),
        }  # fmt: skip

    def migrate(self) -> None:
        """Migrate the database once, before any process uses it; exit with code 1 if that fails."""
        command = [sys.executable, "-m", "app.cli", "migrate"]
        if self.settings.simulator or sys.stderr.isatty():
            command.append("--invite")  # not into the journal of a server with real customers
        environ = {**os.environ, "FLASK_SKIP_DOTENV": "1"}
        with subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        ) as migration:  # fmt: skip
            try:
                for line in migration.stdout or ():
                    if line.startswith(INVITATION):
                        self._invitation = line
                    else:
                        self.say(line)
                code = migration.wait()
            except BaseException:  # for example on a signal: a child must not continue without us
                migration.kill()
                raise
        if code:
            sys.exit(1)

    def lead(self, server: Any) -> None:
        """Start the children, and replace gunicorn's handlers of signals, each of which would lose something."""
        stop_workers = server.handle_term
        server.handle_term = server.handle_int = lambda: self._stop(server, stop_workers)
        server.handle_hup = lambda: self._reload(server)
        server.handle_usr2 = self._refuse_another
        # Not at once: on a small machine they would take the processor from the web processes, which are waited for.
        self._children.start(after=draining.web_serves)
        self.say(f"Listening on {_addresses(server) or self.bind}")
        if self.settings.simulator:
            bot = " and an echo bot answers" if self.settings.starts_echo_bot else ""
            self.say(f"No WHATSAPP_ACCESS_TOKEN is set, so a simulator stands in for Meta{bot}.")
            elsewhere = "" if is_this_machine(self.settings.host) else f", or {PHONE_PATH} at this host's own address"
            self.say(f"Write to it as a customer: http://127.0.0.1:{self.settings.port + 1}{elsewhere}")
        if self._invitation:
            self.say(self._invitation)
            self._invitation = ""  # a link works once

    @property
    def bind(self) -> str:
        """Return the address on which gunicorn listens."""
        host = self.settings.host
        return f"{'[' + host + ']' if ':' in host else host}:{self.settings.port}"

    def _stop(self, server: Any, stop_workers: Any) -> None:
        # A second signal to the master, for example through its group, must not make gunicorn drop requests in flight.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        seconds = self.settings.drain_seconds + EXIT_SECONDS
        self.say(f"Stopping; what is in hand is finished first, for up to {seconds} s.")
        draining.enter(Phase.DRAINING)
        self._children.hold()
        time.sleep(self.settings.drain_seconds)
        self._begin_end()
        # gunicorn checks for a second SIGINT while its workers finish: drop those that came before they were ignored.
        _drain(server.SIG_QUEUE)
        stop_workers()

    def _begin_end(self) -> float:
        draining.enter(Phase.STOPPING)
        self._end_by = time.monotonic() + EXIT_SECONDS
        self._children.stop(WORKER)
        return self._end_by

    def end(self) -> None:
        """Wait for the worker to end, then for the other children."""
        end_by = self._end_by or self._begin_end()
        self._children.wait(end_by - time.monotonic() - 1.5, WORKER)
        self._children.stop()
        self._children.wait(3)

    def _reload(self, server: Any) -> None:
        """Read all settings again. If one is wrong, use none of them, so that the service continues as before."""
        try:
            environ = environment.read_anew()
            found = load_config(environ)
        except ConfigError as error:
            self.say(f"{error}\nThe settings were not taken; those of before go on.")
            return
        fixed = sorted(RESTART_ONLY & _changed(self.settings, found))
        if fixed:
            self.say(f"The settings were not taken; those of before go on. A restart is needed for: {', '.join(fixed)}")
            return
        environment.take(environ)
        self.settings = found
        self._speak()
        self.say("Taking the settings anew; what the old processes have in hand they finish first.")
        server.app.reload()  # this reads gunicorn.conf.py again, which calls `master()`
        server.setup(server.app)
        # Not gunicorn's own reload: it waits for the old web processes to end, and handles no other signal meanwhile.
        for _ in range(server.num_workers):
            server.spawn_worker()
        server.manage_workers()
        self._children.renew(self._environ_of_children(), WORKER)

    def _refuse_another(self) -> None:
        self.say(
            "SIGUSR2 starts no second server here: two would have two workers, and only one may migrate the database."
            " For a new release stop this one and start the other; callers and Meta come again."
        )


def web_process_was_forked(server: Any) -> None:
    """Exit on signals in a new web process, which inherits the master's handlers that only put them into a queue."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: sys.exit(0))
    if {signal.SIGTERM, signal.SIGINT} & set(_drain(server.SIG_QUEUE)):
        sys.exit(0)


def web_process_is_ready(worker: Any) -> None:
    """Stop a web process when the master stops, even if the master began to stop before this process was ready."""
    draining.follow(worker.handle_exit, is_led=True)
    for number in (signal.SIGHUP, signal.SIGUSR2):  # a closed terminal sends SIGHUP to all processes
        signal.signal(number, signal.SIG_IGN)
    if draining.phase() is Phase.STOPPING:
        worker.alive = False
    draining.say_that_web_serves()


def _end_early(number: int, frame: FrameType | None) -> None:
    sys.stderr.write(STOPPED_EARLY)
    sys.exit(128 + number)


def _remove(folder: str, owner: int) -> None:
    """Remove the master's folder, but not at the end of a web process, which inherits this exit handler."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _overruled() -> str:
    names = environment.overruled()
    if not names:
        return ""
    return f"Warning: the environment sets {', '.join(names)} to another value than .env; the environment's counts.\n"


def _changed(one: Config, other: Config) -> set[str]:
    return {setting_name(each) for each in settings() if getattr(one, each.name) != getattr(other, each.name)}


def _drain(signals: queue.SimpleQueue[int]) -> list[int]:
    found = []
    while not signals.empty():
        found.append(signals.get_nowait())
    return found


def _addresses(server: Any) -> str:
    """Return the addresses that are really bound: --bind or systemd's sockets may differ from HOST and PORT."""
    found = []
    for listener in server.LISTENERS:
        name = listener.sock.getsockname()
        if not isinstance(name, tuple):
            found.append(f"unix:{name}")
            continue
        host, port = name[:2]
        found.append(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    return ", ".join(found)


_master: list[Master] = []


def master() -> Master:
    """Return the master of this process, made at the first call: gunicorn reads its file again at a reload."""
    if not _master:
        console.install()
        _master.append(Master())
    return _master[0]
