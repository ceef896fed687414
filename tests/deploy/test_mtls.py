"""Meta's client certificate, as the examples of nginx and HAProxy ask for it: a chain of our own, with Meta's name.

nginx is started with `https.conf` and `mtls.conf` as they are shipped, under TLS, so that these are run, too.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import trustme

from tests.deploy.proxies import FILES, listening, own_user, program, replaced
from tests.load.bodies import sign
from tests.load.gateway import APP_SECRET, Gateway, free_port, running

META = "client.webhooks.fbclientcerts.com"
HOOK, MAIN = "hook.example.org", "wa.example.org"
BODY = b'{"object":"whatsapp_business_account","entry":[]}'
SIGNED = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(BODY, APP_SECRET)}
ASKED = "?hub.mode=subscribe&hub.challenge=7&hub.verify_token=drill-verify-0123456789abcdef"
NGINX = """
worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
{sites}
}}
"""


class Certificates:
    """Meta's authority with a client of its own and one of another name; a stranger's authority; our servers'."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        root = trustme.CA(organization_name="Meta")
        meta, stranger, self.ours = root.create_child_ca(), trustme.CA(), trustme.CA()
        self.meta = self._client("meta", meta, META)
        self.other_name = self._client("other", meta, "client.elsewhere.example")
        self.forged = self._client("forged", stranger, META)
        root.cert_pem.write_to_path(folder / "meta-outbound-api-ca-2025-12.pem")
        for name in (HOOK, MAIN):
            issued = self.ours.issue_cert(name)
            (folder / name).mkdir()
            issued.private_key_and_cert_chain_pem.write_to_path(folder / name / "all.pem")
            issued.private_key_pem.write_to_path(folder / name / "privkey.pem")
            for at, part in enumerate(issued.cert_chain_pems):
                part.write_to_path(folder / name / "fullchain.pem", append=at > 0)

    def _client(self, file: str, authority: trustme.CA, name: str) -> Path:
        path = self.folder / f"{file}.pem"
        authority.issue_cert(name, common_name=name).private_key_and_cert_chain_pem.write_to_path(path)
        return path

    def ask(self, port: int, host: str, client: Path | None, method: str, path: str) -> int:
        """One request over TLS, with a client's certificate or none. 0 where the connection was refused."""
        context = ssl.create_default_context()
        self.ours.configure_trust(context)
        if client is not None:
            context.load_cert_chain(client)
        connection = http.client.HTTPSConnection(host, port, timeout=20, context=context)
        try:
            connection.sock = context.wrap_socket(
                socket.create_connection(("127.0.0.1", port), timeout=20), server_hostname=host
            )
            connection.request(method, path, BODY if method == "POST" else None, SIGNED if method == "POST" else {})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()


@contextmanager
def nginx(folder: Path, gateway: Gateway, certificates: Path) -> Iterator[tuple[int, int]]:
    command, port = program("nginx"), free_port()
    etc = folder / "etc"
    shutil.copytree(FILES / "nginx", etc)
    sites = "".join(
        replaced(
            etc / name, ("listen 443", f"listen 127.0.0.1:{port}"), ("/etc/letsencrypt/live", str(certificates)),
            ("/var/log/nginx", str(folder)),
        )
        for name in ("https.conf", "mtls.conf")
    )  # fmt: skip
    sites = sites.replace("127.0.0.1:8000", f"127.0.0.1:{gateway.port}")
    authority = "meta-outbound-api-ca-2025-12.pem"
    sites = sites.replace(f"/etc/nginx/whatsapp-service/{authority}", str(certificates / authority))
    sites = sites.replace("/etc/nginx/whatsapp-service", str(etc))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, sites=sites))
    started = [command, "-e", f"{folder}/error.log", "-c", str(folder / "nginx.conf"), "-g"]
    with listening([*started, f"daemon off; {own_user()}"], port, folder):
        yield port, port


@contextmanager
def haproxy(folder: Path, gateway: Gateway, certificates: Path) -> Iterator[tuple[int, int]]:
    command, port = program("haproxy"), free_port()
    served = folder / "certs"
    served.mkdir()
    for name in (HOOK, MAIN):
        shutil.copy(certificates / name / "all.pem", served / f"{name}.pem")
    main = replaced(
        FILES / "haproxy" / "haproxy.cfg", ("127.0.0.1:8000", f"127.0.0.1:{gateway.port}"),
        ("bind :80\n", f"bind 127.0.0.1:{port + 1}\n"), ("bind :443", f"bind 127.0.0.1:{port}"),
        ("/etc/haproxy/certs/", f"{served}/"),
    )  # fmt: skip
    more = replaced(
        FILES / "haproxy" / "mtls.cfg", ("bind :8443", f"bind 127.0.0.1:{port + 2}"),
        ("/etc/haproxy/certs/", f"{served}/"), ("/etc/haproxy/meta", f"{certificates}/meta"),
    )  # fmt: skip
    (folder / "haproxy.cfg").write_text(main)
    (folder / "mtls.cfg").write_text(more)
    command_line = [command, "-f", folder / "haproxy.cfg", "-f", folder / "mtls.cfg"]
    with listening(command_line, port, folder):
        yield port, port + 2


Front = Callable[[Path, Gateway, Path], AbstractContextManager[tuple[int, int]]]
FRONTS: dict[str, Front] = {"nginx": nginx, "haproxy": haproxy}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = {"WORKER": "external", "TRUSTED_PROXIES": "1", "WEB_CONCURRENCY": "1", "DRAIN_SECONDS": "0"}
    with running(Gateway(tmp_path_factory.mktemp("gateway"), settings)) as started:
        yield started


@pytest.mark.parametrize("front", FRONTS)
def test_only_meta_reaches_the_webhook(front: str, gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "pem").mkdir()
    certificates = Certificates(tmp_path / "pem")
    webhook = "/webhook/whatsapp"

    with FRONTS[front](tmp_path, gateway, tmp_path / "pem") as (main, hook):
        found = {
            "Meta": certificates.ask(hook, HOOK, certificates.meta, "POST", webhook),
            "Meta's question": certificates.ask(hook, HOOK, certificates.meta, "GET", webhook + ASKED),
            "nobody": certificates.ask(hook, HOOK, None, "POST", webhook),
            "another of Meta's": certificates.ask(hook, HOOK, certificates.other_name, "POST", webhook),
            "forged": certificates.ask(hook, HOOK, certificates.forged, "POST", webhook),
            "Meta, elsewhere": certificates.ask(hook, HOOK, certificates.meta, "GET", "/api/messages"),
            "a person": certificates.ask(main, MAIN, None, "GET", "/healthz"),
        }

    assert found.pop("forged") in (400, 403)
    assert found == {
        "Meta": 200, "Meta's question": 200, "nobody": 403, "another of Meta's": 403, "Meta, elsewhere": 404,
        "a person": 200,
    }  # fmt: skip
