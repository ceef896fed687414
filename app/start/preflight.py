"""Check whether the gateway can start with these settings, and print what to do if not.

It comes before anything is started, so that a person sees a list of remedies and not a traceback.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from pathlib import Path

from app.config.environment import load_environment
from app.config.errors import ConfigError
from app.config.parsers import ROOT
from app.config.settings import Config, load_config

WAIT_SECONDS = 5.0
LOOK_SECONDS = 0.2


class _Taken(str):
    """A problem that may end by itself: another process uses the port."""


def main() -> int:
    """Print what is wrong, if anything, to stderr. Return the exit code: 2 when the gateway cannot start."""
    try:
        config = load_config(load_environment())
        problems = _port_problems(config) + _folder_problems(config)
    except ConfigError as err:
        problems = err.problems
    else:
        sys.stderr.write("".join(f"Warning: {warning}\n" for warning in (*config.warnings, *_loose_permissions())))
    if problems:
        sys.stderr.write("The gateway cannot start:\n" + "".join(f"  {problem}\n" for problem in problems))
    return 2 if problems else 0


def _port_problems(config: Config) -> list[str]:
    """Return what is wrong with the ports. Processes of a gateway that was killed may still use them for a moment."""
    problems = _taken_ports(config)
    passing = [each for each in problems if isinstance(each, _Taken)]
    if passing:
        what = passing[0].partition(",")[0]
        sys.stderr.write(f"{what}; waiting {WAIT_SECONDS:g} s at most for whoever has it to end.\n")
    until = time.monotonic() + WAIT_SECONDS
    while any(isinstance(each, _Taken) for each in problems) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        problems = _taken_ports(config)
    return problems


def _taken_ports(config: Config) -> list[str]:
    asked = [(config.host, config.port, "PORT", "")]
    if config.metrics_port:
        asked.append((config.metrics_host, config.metrics_port, "METRICS_PORT", ""))
    if config.simulator:
        asked.append(("127.0.0.1", config.port + 1, "PORT", ", where the simulator listens,"))
    return [problem for host, port, name, what in asked if (problem := _listening_problem(host, port, name, what))]


def _listening_problem(host: str, port: int, name: str, what: str) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
    except OSError as err:
        if err.errno == errno.EADDRINUSE:
            return _Taken(
                f"{name}: port {port}{what} is taken, perhaps by a gateway that already runs; stop it, or set another"
                f" {name} in .env"
            )
        if err.errno == errno.EACCES:
            return f"{name}: port {port}{what} is not this user's to take; set one above 1023"
        return "HOST: is no address of this machine; 127.0.0.1 and 0.0.0.0 always are"
    return None


def _folder_problems(config: Config) -> list[str]:
    if not config.database_url.startswith("sqlite"):
        return []
    folder = Path(config.database_url.removeprefix("sqlite:///").partition("?")[0]).parent
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return []
    return ["DATABASE_URL: this user cannot write in the database's folder; make it writable, or name another file"]


def _loose_permissions() -> list[str]:
    file = ROOT / ".env"
    if file.exists() and file.stat().st_mode & 0o077:
        return ["other users of this machine can read .env; run: chmod 600 .env"]
    return []
