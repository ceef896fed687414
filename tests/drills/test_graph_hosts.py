"""An application with Meta's host name built in, behind the TLS fronts that the guide shows: nginx, and Caddy.

The name is directed to loopback inside the clients alone, and a simulator stands in for Meta.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config.parsers import ROOT
from app.graph.loop_guard import MESSAGE
from app.services.graph_proxy.certificate import BUNDLE, CA
from tests.graph.far_end import far_end
from tests.load.gateway import API_KEY, APP_SECRET, Gateway, free_port, running

HOST = "graph.facebook.com"
PNID = "700100200300400"
GUIDE = (ROOT / "docs" / "graph.md").read_text()
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {server}
}}
"""
FORGED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "gopher", "X-Forwarded-Host": "evil.example",
          "X-Forwarded-Prefix": "/evil"}  # fmt: skip

# What an application does, with the public packages that applications use. It knows no host but Meta's.
PYTHON = """
import json, socket, sys
look_up = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: look_up("127.0.0.1" if host == sys.argv[1] else host, *more, **named)
import requests
graph, key, number, forged = f"https://{sys.argv[1]}:{sys.argv[2]}", *sys.argv[3:5], json.loads(sys.argv[5])
headers = {"Authorization": f"Bearer {key}", **forged}
text = {"messaging_product": "whatsapp", "to": "+5491155550100", "type": "text", "text": {"body": "Hola"}}
try:
    sent = requests.post(f"{graph}/v25.0/{number}/messages", json=text, headers=headers).json()
except requests.exceptions.SSLError as error:
    sys.exit(f"refused: {error}")
files = {"file": ("a.jpg", bytes.fromhex("ffd8ffe000104a46494600") + b"x" * 1000, "image/jpeg")}
form = {"messaging_product": "whatsapp", "type": "image/jpeg"}
media = requests.post(f"{graph}/v25.0/{number}/media", data=form, files=files, headers=headers).json()
url = requests.get(f"{graph}/v25.0/{media['id']}", headers=headers).json()["url"]
print(json.dumps({"sent": sent, "url": url, "bytes": len(requests.get(url).content)}))
"""
NODE = """
const dns = require("dns"), [host, port, key, number] = process.argv.slice(1), { lookup } = dns;
dns.lookup = (name, ...more) => lookup(name === host ? "127.0.0.1" : name, ...more);
const text = { messaging_product: "whatsapp", to: "+5491155550100", type: "text", text: { body: "Hola" } };
const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
fetch(`https://${host}:${port}/v25.0/${number}/messages`, { method: "POST", headers, body: JSON.stringify(text) })
  .then(async answer => console.log(await answer.text()))
  .catch(error => { console.error(String(error.cause)); process.exit(1); });
"""


def documented(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = {
        "SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": "",
        "GRAPH_HOSTS": HOST, "TRUSTED_PROXIES": "1", "PUBLIC_URL": "https://elsewhere.example", "WEB_CONCURRENCY": "1",
        "ECHO_BOT": "false",
    }  # fmt: skip
    with running(Gateway(tmp_path_factory.mktemp("gateway"), settings)) as started:
        started.wait_simulator()
        yield started


@pytest.fixture(scope="module")
def certificates(gateway: Gateway) -> Path:
    folder = gateway.directory / "graph-ca"
    made = gateway.flask("graph", "certificate", "--folder", str(folder))
    assert made.returncode == 0, made.stderr
    return folder


def as_here(text: str, port: int, behind: int, certificates: Path) -> str:
    """An example of the guide's, with the ports and the folder of this test. `behind` is the gateway's port."""
    text = text.replace("/srv/whatsapp-service/data/graph-ca", str(certificates))
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{behind}").replace("listen 443", f"listen 127.0.0.1:{port}")
    return text.replace(f"https://{HOST} {{", f"https://{HOST}:{port} {{\n\tbind 127.0.0.1")


@contextmanager
def listening(command: list[str], port: int, **more: Any) -> Iterator[int]:
    with subprocess.Popen(command, **more) as process:
        try:
            until = time.monotonic() + 30
            while time.monotonic() < until and process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def with_nginx(folder: Path, behind: int, certificates: Path) -> Iterator[int]:
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        pytest.skip("no nginx here")
    port = free_port()
    server = as_here(documented("nginx"), port, behind, certificates)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, server=server))
    with listening([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], port):
        yield port


@contextmanager
def with_caddy(folder: Path, behind: int, certificates: Path) -> Iterator[int]:
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("no caddy here")
    port = free_port()
    server = as_here(documented("caddyfile"), port, behind, certificates)
    # Without its admin port and its listener on port 80, which are not this test's to take.
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + server)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    command = [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with (folder / "log").open("wb") as log, listening(command, port, env=env, stdout=log, stderr=log):
        yield port


FRONTS = {"nginx": with_nginx, "caddy": with_caddy}


@pytest.fixture(scope="module", params=FRONTS)
def front(
    request: pytest.FixtureRequest, gateway: Gateway, certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a TLS front that passes on to the gateway."""
    with FRONTS[request.param](tmp_path_factory.mktemp(request.param), gateway.port, certificates) as port:
        yield port


def run(command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, env=path | env, capture_output=True, text=True, timeout=120)


def python(port: int, **env: str) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-c", PYTHON, HOST, str(port), API_KEY, PNID, json.dumps(FORGED)], **env)


def test_an_application_sends_and_fetches_a_file(front: int, certificates: Path) -> None:
    done = python(front, REQUESTS_CA_BUNDLE=str(certificates / BUNDLE))

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["sent"]["messages"][0]["id"].startswith("wamid.")
    assert told["url"].startswith(f"https://{HOST}:{front}/v26.0/whatsapp_business/attachments/?")
    assert told["bytes"] == 1011


def test_one_that_does_not_trust_the_authority_sends_nothing(front: int) -> None:
    done = python(front)

    assert done.returncode == 1
    assert "refused: " in done.stderr and "CERTIFICATE_VERIFY_FAILED" in done.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_an_application_of_node(front: int, certificates: Path) -> None:
    command = ["node", "-e", NODE, HOST, str(front), API_KEY, PNID]

    trusting = run(command, NODE_EXTRA_CA_CERTS=str(certificates / CA))
    plain = run(command)

    assert json.loads(trusting.stdout)["messages"][0]["id"].startswith("wamid.")
    assert (plain.returncode, plain.stdout) == (1, "")
    assert "certificate" in plain.stderr


@pytest.mark.parametrize("front_of", FRONTS)
def test_what_a_client_says_of_itself_is_not_passed_on(front_of: str, tmp_path: Path, certificates: Path) -> None:
    with far_end(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as end:
        with FRONTS[front_of](tmp_path, end.port, certificates) as port:
            python(port, REQUESTS_CA_BUNDLE=str(certificates / BUNDLE))

        head = end.requests[0].partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
        assert f"host: {HOST}:{port}" in head
        forwarded = {line for line in head if line.startswith("x-forwarded")}
        assert forwarded == {"x-forwarded-for: 127.0.0.1", "x-forwarded-proto: https"}


def test_the_example_of_compose_names_what_the_command_makes() -> None:
    bot = yaml.safe_load(documented("yaml"))["services"]["bot"]

    assert bot["extra_hosts"][0].startswith(f"{HOST}:")
    mounted = dict(each.split(":")[:2] for each in bot["volumes"])
    assert mounted == {f"./data/graph-ca/{name}": f"/etc/graph-ca/{name}" for name in (CA, BUNDLE)}
    assert set(bot["environment"].values()) == set(mounted.values())


def test_a_gateway_whose_calls_come_back_sends_nothing_and_says_why(tmp_path: Path) -> None:
    circling = Gateway(tmp_path, {"WEB_CONCURRENCY": "1"})
    circling.extra = {"WEB_CONCURRENCY": "1", "GRAPH_API_URL": f"{circling.url}/graph"}
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    text = {"messaging_product": "whatsapp", "to": "+5491155550100", "type": "text", "text": {"body": "Hola"}}
    with running(circling):
        answer = circling.request("POST", f"/graph/{PNID}/messages", json.dumps(text).encode(), headers, 60)
        messages = circling.get("/api/messages").json()["data"]

        assert (answer.status, answer.json()["error"]["gateway"]["message"]) == (503, MESSAGE)
        assert messages == []  # nothing was done, so nothing is left of it: the caller may repeat it
        assert "a call to Meta came back to this gateway" in circling.tail(100_000)
