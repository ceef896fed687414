"""Checks of other servers that the settings name: Redis, the store of files, and where alerts, events and traces go."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from app.cache import prefix_of
from app.config.settings import Config
from app.services.doctor.context import DoctorContext
from app.services.doctor.types import Found, fail, ok, skipped, warn
from app.vault import VaultUnavailable, vault_of

CONNECT_SECONDS = 3.0
_PORTS = {"http": 80, "https": 443, "smtp": 25, "smtps": 465}
_TLS = frozenset({"https", "smtps"})


def cache(context: DoctorContext) -> Iterator[Found]:
    """Find a Redis that cannot be used. Never says its whole address, which may hold a password."""
    url = context.config.cache_url
    if not url:
        yield skipped("CACHE_URL is not set: each process remembers for itself.")
        return
    from redis import Redis
    from redis.exceptions import AuthenticationError, RedisError, ResponseError

    place = urlsplit(url).hostname or "its host"
    meanwhile = "Meanwhile each process remembers and counts for itself; nothing is lost."
    try:
        client = Redis.from_url(url, socket_timeout=CONNECT_SECONDS, socket_connect_timeout=CONNECT_SECONDS)
        with client:
            client.set(f"{prefix_of(context.config.secret_key)}:doctor", 1, px=1000)
    except AuthenticationError:
        yield warn(f"Redis at {place} lets us not in.", f"Correct user and password in CACHE_URL. {meanwhile}")
    except ResponseError as error:
        why = str(error).partition(" ")[0][:20]  # its own code, such as READONLY, OOM, NOAUTH, NOPERM
        yield warn(
            f"Redis at {place} answers, and takes nothing ({why}).",
            "NOAUTH: CACHE_URL lacks the password. NOPERM: let this user write keys that begin with whatsapp-service:."
            f" READONLY: name the primary. OOM: give it more memory, or let it evict. {meanwhile}",
        )
    except (RedisError, OSError, ValueError) as error:
        yield warn(
            f"Redis at {place} does not take our connection ({type(error).__name__}).",
            "See whether it runs, and whether host, port and TLS (rediss://) in CACHE_URL are right; or take CACHE_URL"
            f" out. {meanwhile}",
        )
    else:
        yield ok(f"Redis at {place} takes what is shared.")


def bucket(context: DoctorContext) -> Iterator[Found]:
    """Find a store of files that does not answer, or lets us not in."""
    config = context.config
    if not config.media_s3_bucket:
        yield skipped("MEDIA_S3_BUCKET is not set: files are kept in a folder, or not at all.")
        return
    vault = vault_of(config)
    assert vault is not None
    try:
        vault.owners()
    except VaultUnavailable as error:
        yield fail(
            f"The bucket {config.media_s3_bucket} cannot be used: {(error.meta or {}).get('reason')}.",
            "NoSuchBucket: make it, or correct MEDIA_S3_BUCKET. AccessDenied and others of keys: correct"
            " MEDIA_S3_ACCESS_KEY and MEDIA_S3_SECRET_KEY, and let them list, read, write and delete. No answer: see"
            " MEDIA_S3_ENDPOINT and MEDIA_S3_REGION. Files are fetched later, while Meta has them (docs/media.md).",
        )
    else:
        yield ok(f"The bucket {config.media_s3_bucket} answers.")


def named(context: DoctorContext) -> Iterator[Found]:
    """Find addresses of the settings where nothing takes a connection. Nothing is sent there."""
    urls = _named(context.config)
    if not urls:
        yield skipped("No FORWARD_URL, ALERT_URL, SMTP_URL or OTEL_EXPORTER_OTLP_ENDPOINT is set.")
    for name, url in urls.items():
        parts = urlsplit(url)
        trouble = _trouble(parts)
        if trouble is None:
            yield ok(f"{parts.hostname} takes a connection.", name)
        else:
            text, remedy = trouble
            yield (fail if name == "FORWARD_URL" else warn)(text, f"{remedy}, or correct {name}.", name)


def _named(config: Config) -> dict[str, str]:
    urls = {
        "FORWARD_URL": config.forward_url,
        "ALERT_URL": config.alert_url,
        "SMTP_URL": config.smtp_url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": config.otel_exporter_otlp_endpoint,
    }
    return {name: url for name, url in urls.items() if url}


def _trouble(parts: SplitResult) -> tuple[str, str] | None:
    """Return why no connection comes about, and what to do about it; None if one does."""
    host = parts.hostname or ""
    port = parts.port or _PORTS.get(parts.scheme, 443)
    try:
        with socket.create_connection((host, port), timeout=CONNECT_SECONDS) as connection:
            if parts.scheme in _TLS:
                ssl.create_default_context().wrap_socket(connection, server_hostname=host).close()
    except socket.gaierror:
        return f"The name {host} does not exist in DNS.", "Make its record"
    except ConnectionRefusedError:
        return f"Nothing listens at {host}, port {port}.", "Start what should listen there"
    except TimeoutError:
        return f"{host}, port {port}, does not answer within {CONNECT_SECONDS:.0f} s.", "Open the port in the firewall"
    except ssl.SSLCertVerificationError as error:
        return f"The certificate of {host} is not believed ({error.verify_message}).", "Get one that is"
    except ssl.SSLError:
        return f"{host}, port {port}, does not speak TLS.", "See whether the port is the one of TLS"
    except OSError as error:
        return f"{host}, port {port}, cannot be called ({type(error).__name__}).", "See its log"
    return None
