"""What the gateway refuses before it has read it is refused in words through a proxy and under other servers, too."""

from __future__ import annotations

import http.client
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.drills.test_servers import UWSGI
from tests.load.gateway import ONE_WEB, Gateway, free_port, running

FALSE = {"X-Hub-Signature-256": "sha256=" + "0" * 64}
LARGE = 12 * 1024 * 1024
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port}; client_max_body_size 64m;
        location / {{ proxy_pass http://127.0.0.1:{gateway}; proxy_http_version 1.1; proxy_set_header Connection ""; }}
        location /unbuffered/ {{
            proxy_request_buffering off; proxy_http_version 1.1; proxy_pass http://127.0.0.1:{gateway}/;
        }}
    }}
}}
"""


@pytest.mark.parametrize("prefix", ["", "/unbuffered"])
@pytest.mark.parametrize(("headers", "status"), [(FALSE, 413), ({}, 401)])
def test_through_nginx(nginx: int, prefix: str, headers: dict[str, str], status: int) -> None:
    assert [_post(nginx, f"{prefix}/webhook/whatsapp", headers) for _ in range(3)] == [status] * 3


@pytest.mark.parametrize(("headers", "status"), [(FALSE, 413), ({}, 401)])
def test_straight(gateway: Gateway, headers: dict[str, str], status: int) -> None:
    assert [_post(gateway.port, "/webhook/whatsapp", headers) for _ in range(3)] == [status] * 3


@pytest.mark.parametrize(("headers", "status"), [(FALSE, 413), ({}, 401)])
def test_under_uwsgi(uwsgi: Gateway, headers: dict[str, str], status: int) -> None:
    assert _post(uwsgi.port, "/webhook/whatsapp", headers) == status


def test_a_refused_body_in_chunks_under_uwsgi_is_told_why(uwsgi: Gateway) -> None:
    """Whoever goes on sending while the answer is on its way can read it, too."""

    def body() -> Iterator[bytes]:
        yield b"{"
        for _ in range(80):
            yield b" " * 100_000
        yield b"}"

    with closing(http.client.HTTPConnection("127.0.0.1", uwsgi.port, timeout=30)) as connection:
        connection.request("POST", "/webhook/whatsapp", body(), FALSE, encode_chunked=True)
        answer = connection.getresponse()

        assert (answer.status, b"too_large" in answer.read()) == (413, True)


def _post(port: int, path: str, headers: dict[str, str]) -> int:
    """Post a large body whole, as a proxy does, and only then look at the answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", path, b"x" * LARGE, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    served = Gateway(tmp_path_factory.mktemp("gunicorn"), ONE_WEB | {"WORKER": "external"})
    with running(served, ready=False) as started:
        started.wait_ready(120)
        yield started


@pytest.fixture(scope="module")
def uwsgi(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    served = Gateway(
        tmp_path_factory.mktemp("uwsgi"), {"WORKER": "external"}, (*UWSGI, "--module=wsgi:app"),
        database_url=gateway.database_url,
    )  # fmt: skip
    with running(served, ready=False):
        served.wait_ready(120)
        yield served


@pytest.fixture(scope="module")
def nginx(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        pytest.skip("no nginx here")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, gateway=gateway.port))
    with subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")]) as process:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
        process.send_signal(signal.SIGTERM)
