"""What proxies in front of a gateway do, as WSGI that wraps it; and servers with certificates of all kinds."""

from __future__ import annotations

import datetime
import io
import json
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from tests.services.doctor.conftest import Installation

Wsgi = Callable[[dict[str, Any], Any], Any]
Habit = Callable[[Wsgi], Wsgi]


def answers(status: str, body: bytes = b"") -> Habit:
    """Answer everything itself."""

    def wrap(app: Wsgi) -> Wsgi:
        def answer(environ: dict[str, Any], start: Any) -> list[bytes]:
            start(status, [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
            return [body]

        return answer

    return wrap


def redirects(to: str) -> Habit:
    """Redirect everything: `{host}` and `{path}` are those that were asked."""

    def wrap(app: Wsgi) -> Wsgi:
        def answer(environ: dict[str, Any], start: Any) -> list[bytes]:
            target = to.format(host=environ["HTTP_HOST"], path=environ["PATH_INFO"])
            start("301 Moved Permanently", [("Location", target), ("Content-Length", "0")])
            return [b""]

        return answer

    return wrap


def under(prefix: str) -> Habit:
    """Serve the gateway below a prefix, and nothing elsewhere."""

    def wrap(app: Wsgi) -> Wsgi:
        def answer(environ: dict[str, Any], start: Any) -> Any:
            if environ["PATH_INFO"].startswith(prefix):
                return app(environ | {"PATH_INFO": environ["PATH_INFO"].removeprefix(prefix)}, start)
            return answers("404 Not Found", b"nginx")(app)(environ, start)

        return answer

    return wrap


def drops(*headers: str) -> Habit:
    """Pass no headers of these names."""

    def wrap(app: Wsgi) -> Wsgi:
        def answer(environ: dict[str, Any], start: Any) -> Any:
            kept = {name: value for name, value in environ.items() if name.removeprefix("HTTP_") not in headers}
            return app(kept, start)

        return answer

    return wrap


def tells_whom(app: Wsgi) -> Wsgi:
    """Say on whose behalf it calls."""
    return lambda environ, start: app(environ | {"HTTP_X_FORWARDED_FOR": "31.13.24.1"}, start)


def rewrites_json(app: Wsgi) -> Wsgi:
    """Read JSON and write it anew, as filters of attacks do."""

    def answer(environ: dict[str, Any], start: Any) -> Any:
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if raw:
            raw = json.dumps(json.loads(raw), separators=(",", ":"), ensure_ascii=False).encode()
        return app(environ | {"wsgi.input": io.BytesIO(raw), "CONTENT_LENGTH": str(len(raw))}, start)

    return answer


def limits(most: int) -> Habit:
    """Refuse bodies above a size, as nginx does above 1 MB unless it is told otherwise."""

    def wrap(app: Wsgi) -> Wsgi:
        def answer(environ: dict[str, Any], start: Any) -> Any:
            if int(environ.get("CONTENT_LENGTH") or 0) <= most:
                return app(environ, start)
            environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            return answers("413 Request Entity Too Large", b"nginx")(app)(environ, start)

        return answer

    return wrap


def plain_at_https(it: Installation) -> None:
    """Name an https address whose server speaks http."""
    it.set(PUBLIC_URL=it.serve().replace("http:", "https:"))


def self_signed(it: Installation) -> None:
    """Serve with a certificate that nobody signed."""
    _serve_tls(it, datetime.timedelta(days=30))


def expired(it: Installation) -> None:
    """Serve with a certificate of last year, which no authority signed either: OpenSSL tells one of both."""
    _serve_tls(it, datetime.timedelta(days=-30))


def _serve_tls(it: Installation, lasts: datetime.timedelta) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(_certificate(it.folder, lasts))
    server = make_server("127.0.0.1", 0, answers("200 OK")(lambda environ, start: []), threaded=True, ssl_context=tls)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    it._closing += [server.server_close, server.shutdown]
    it.set(PUBLIC_URL=f"https://localhost:{server.server_port}")


def _certificate(folder: Path, lasts: datetime.timedelta) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=365)).not_valid_after(now + lasts)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "tls.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    return path
