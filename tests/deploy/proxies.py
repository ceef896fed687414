"""The shipped configurations of nginx, HAProxy and Caddy, started for real on ports of loopback.

Only names of hosts, ports and folders are changed in them, as an operator would.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.load.gateway import ROOT, free_port

FILES = ROOT / "deploy"


def program(name: str) -> str:
    """Where a proxy is installed. Skips the test, by the program's name, where it is not."""
    found = shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if found is None:
        pytest.skip(f"no {name} here")
    return found


@contextmanager
def listening(command: Sequence[str | Path], port: int, folder: Path, **env: str) -> Iterator[int]:
    """Run a proxy until the end of the block; enters once it listens. What it prints is in `proxy.txt`."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder)} | env
    with (folder / "proxy.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (folder / "proxy.txt").read_text()
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def replaced(path: Path, *changes: tuple[str, str]) -> str:
    """A file's text with these changes, each of which must change something."""
    text = path.read_text()
    for old, new in changes:
        assert old in text, f"{path.name} has no {old}"
        text = text.replace(old, new)
    return text


def own_user() -> str:
    """What lets nginx's workers write where this user can: under root they would be another's."""
    return "user root;" if os.getuid() == 0 else ""


@contextmanager
def nginx(folder: Path, upstreams: Sequence[int]) -> Iterator[int]:
    """nginx as compose runs it, in front of one or two web servers on these ports."""
    command, port = program("nginx"), free_port()
    own = folder / "etc"
    shutil.copytree(FILES / "nginx", own)
    text = replaced(
        own / "nginx.conf", ("listen 8080", f"listen 127.0.0.1:{port}"), ("/etc/whatsapp-service", str(own)),
        ("server web-1:8000", f"server 127.0.0.1:{upstreams[0]}"), (" /tmp/", f" {folder}/"),
        ("server web-2:8000", f"server 127.0.0.1:{upstreams[-1]}"), ("/dev/stdout", f"{folder}/access.log"),
    )  # fmt: skip
    (own / "nginx.conf").write_text(text)
    checked = [command, "-e", f"{folder}/error.log", "-c", str(own / "nginx.conf"), "-g", f"daemon off; {own_user()}"]
    with listening(checked, port, folder):
        yield port


@contextmanager
def haproxy(folder: Path, upstreams: Sequence[int]) -> Iterator[int]:
    """HAProxy in front of the web servers, without TLS: what is behind it is the same."""
    command, port = program("haproxy"), free_port()
    server = "server web-1 127.0.0.1:8000"
    servers = "\n    ".join(f"server web-{at} 127.0.0.1:{one}" for at, one in enumerate(upstreams))
    text = replaced(
        FILES / "haproxy" / "haproxy.cfg", (server, servers), ("bind :80\n", f"bind 127.0.0.1:{port + 1}\n"),
        ("bind :443 ssl crt /etc/haproxy/certs/ alpn h2,http/1.1", f"bind 127.0.0.1:{port}"),
    )  # fmt: skip
    (folder / "haproxy.cfg").write_text(text)
    with listening([command, "-f", folder / "haproxy.cfg"], port, folder):
        yield port


@contextmanager
def caddy(folder: Path, upstreams: Sequence[int], host: str = "") -> Iterator[int]:
    """Caddy in front of the web servers, without TLS, for one host's name or for any."""
    command, port = program("caddy"), free_port()
    environ = {
        "DOMAIN": f"http://{host}:{port}", "OTHERS": f"http://:{port if host else port + 1}",
        "UPSTREAMS": " ".join(f"127.0.0.1:{one}" for one in upstreams),
    }  # fmt: skip
    file = FILES / "caddy" / "Caddyfile"
    with listening([command, "run", "--config", file, "--adapter", "caddyfile"], port, folder, **environ):
        yield port


Proxy = Callable[[Path, Sequence[int]], AbstractContextManager[int]]
PROXIES: dict[str, Proxy] = {"nginx": nginx, "haproxy": haproxy, "caddy": caddy}
