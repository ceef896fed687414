"""Parsers of settings: each takes a setting's text and returns its value, or raises `WrongSetting` with the remedy."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from app.security.endpoint_urls import AllowedNetwork

ROOT = Path(__file__).resolve().parents[2]

Parser = Callable[[str], Any]

_OTHER_HEADERS = frozenset(
    "accept accept-encoding accept-language authorization connection content-length content-type cookie forwarded host"
    " origin referer user-agent x-forwarded-for x-forwarded-host x-forwarded-proto x-request-id".split()
)


class WrongSetting(Exception):
    """A setting cannot be parsed. The message says what it must be, without its value, which may be a secret."""


def integer(low: int, high: int) -> Parser:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise WrongSetting(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or float(text) <= 0:
        raise WrongSetting("must be a number of seconds above 0")
    return float(text)


def rate(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) or not 0 < float(text) <= 1000:
        raise WrongSetting("must be messages per second: above 0, at most 1000")
    return float(text)


def boolean(text: str) -> bool:
    if text.lower() not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
        raise WrongSetting("must be true or false")
    return text.lower() in {"true", "1", "yes", "on"}


def one_of(*choices: str) -> Parser:
    by_lower = {choice.lower(): choice for choice in choices}

    def parse(text: str) -> str:
        if text.lower() not in by_lower:
            raise WrongSetting(f"must be one of {', '.join(choices)}")
        return by_lower[text.lower()]

    return parse


def matching(pattern: str, remedy: str) -> Parser:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise WrongSetting(remedy)
        return text

    return parse


def header_name(text: str) -> str:
    """Read the name of a request header. Those that browsers and proxies set for other purposes name nobody."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", text):
        raise WrongSetting("must be the name of a header, such as X-Forwarded-User")
    if text.lower() in _OTHER_HEADERS:
        raise WrongSetting("must be a header that only your proxy sets, such as X-Forwarded-User")
    return text


def url(text: str) -> str:
    parts = _split(text)
    if not parts or parts.scheme not in {"http", "https"} or not parts.hostname or not re.fullmatch(r"[!-~]+", text):
        raise WrongSetting("must be an address that begins with https:// or http://")
    return text.rstrip("/")


def redis_url(text: str) -> str:
    """Read the address of a Redis server: redis:// or, with TLS, rediss://; the path is the number of the database."""
    parts = _split(text)
    if not parts or parts.scheme not in {"redis", "rediss"} or not parts.hostname or not re.fullmatch(r"[!-~]+", text):
        raise WrongSetting("must be an address such as redis://:password@host:6379/0, or rediss:// with TLS")
    return text


def graph_url(text: str) -> str:
    """Read the address of the Graph API, to which the version of every call is added."""
    if re.search(r"/v[0-9]+(\.[0-9]+)?/*$", text):
        raise WrongSetting("must end before the version, as https://graph.facebook.com; GRAPH_API_VERSION holds that")
    return url(text)


def secret_url(text: str) -> str:
    """Read an address that is a secret as a whole, as chat services' are; it is used as it is written."""
    url(text)
    return text


def smtp_url(text: str) -> str:
    parts = _split(text)
    if not parts or parts.scheme not in {"smtp", "smtps"} or not parts.hostname or not re.fullmatch(r"[!-~]+", text):
        raise WrongSetting("must be smtp://user:password@host:587, or smtps:// for TLS from the first byte")
    return text


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        return None if parts.port == 0 else parts
    except ValueError:  # quotes the address
        return None


def secret_text(shortest: int) -> Parser:
    def parse(text: str) -> str:
        if not re.fullmatch(r"[!-~]+", text):
            raise WrongSetting("must be plain ASCII without spaces; copy it again")
        if len(text) < shortest:
            raise WrongSetting(f"is too short; use at least {shortest} characters")
        return text

    return parse


def word(text: str) -> str:
    """Read a word, or a few: something must be left of it without spaces and signs."""
    if not any(character.isalnum() for character in text) or len(text) > 60:
        raise WrongSetting("must be words of at most 60 characters, separated by commas")
    return text


def list_of(parse_one: Parser) -> Parser:
    def parse(text: str) -> tuple[Any, ...]:
        return tuple(parse_one(part.strip()) for part in text.split(","))

    return parse


def fernet_key(text: str) -> str:
    """Read a 32-byte key as Fernet writes it, or as the 64 hex digits that hosts' secret generators make."""
    try:
        raw = bytes.fromhex(text) if re.fullmatch(r"[0-9a-fA-F]{64}", text) else base64.urlsafe_b64decode(text)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise WrongSetting("must be a Fernet key (44 characters of URL-safe base64) or 64 hex digits")
    return base64.urlsafe_b64encode(raw).decode()


def database_url(text: str) -> str:
    """Read the address of a SQLite file or a PostgreSQL database into the form that SQLAlchemy understands."""
    scheme, _, rest = text.partition("://")
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
        return f"postgresql+psycopg://{_postgresql(text, rest)}"
    if scheme != "sqlite" or not rest.startswith("/") or rest.strip("/") in {"", ":memory:"}:
        raise WrongSetting("must be postgresql://user:password@host/name, or a file as sqlite:///path/to/file.db")
    # A relative path is meant from the project's folder: a command run elsewhere must not open another database.
    return f"sqlite:///{ROOT / rest[1:]}"


def _postgresql(text: str, rest: str) -> str:
    parts = _split(text)
    if not parts or parts.netloc.count("@") > 1 or "@" in parts.path:
        raise WrongSetting(
            "must be postgresql://user:password@host/name, special characters of the password percent-encoded: @ as"
            " %40, / as %2F, # as %23, ? as %3F, : as %3A"
        )
    if not parts.path.strip("/") and "dbname=" not in parts.query:
        raise WrongSetting("must name a database: postgresql://user:password@host/name")
    return rest


def broker_url(text: str) -> str:
    """Read the address of RabbitMQ or Redis."""
    parts = _split(text)
    if not parts or parts.scheme not in {"amqp", "amqps", "redis", "rediss"} or not parts.hostname:
        raise WrongSetting(
            "must be amqp://user:password@host/virtual-host, amqps://…, redis://:password@host:6379/1 or rediss://…,"
            " special characters of the password percent-encoded; or the name of a variable that holds it"
        )
    if parts.scheme.startswith("redis") and not re.fullmatch(r"/?[0-9]*", parts.path):
        raise WrongSetting("must name a database of Redis by its number, as redis://host:6379/1")
    return text


def network(text: str) -> AllowedNetwork:
    """Read a network as `10.0.0.0/8`, or one address; with a port as `10.0.0.0/8:8080` or `[fd00::/8]:8080`."""
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::([0-9]{1,5}))?", text)
    plain = re.fullmatch(r"([^:\[\]]+):([0-9]{1,5})", text)
    found = bracketed or plain
    try:
        network = ipaddress.ip_network(found[1] if found else text)
    except ValueError:  # quotes the text
        raise WrongSetting(
            "must be networks as 10.0.0.0/8, 10.0.0.0/8:8080 or [fd00::/8]:8080, with commas between them"
        ) from None
    if found is None or found[2] is None:
        return network
    if not 0 < int(found[2]) < 65536:
        raise WrongSetting("must name ports from 1 to 65535")
    return network, int(found[2])


def host_name(text: str) -> str:
    """Read a host's name, in any case, without scheme, port or path."""
    label = "[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
    if len(text) > 253 or not re.fullmatch(rf"{label}(\.{label})*", text.lower()):
        raise WrongSetting(
            "must be host names without https:// and port, as graph.internal, with commas between them"
        )
    return text.lower()


days = integer(0, 36_500)
"""0: for ever."""

age_recipient = matching(r"age1[02-9ac-hj-np-z]{58}", "must be a public key of age, as age-keygen prints it: age1…")


def directory(text: str) -> str:
    return str(ROOT / text)


bucket = matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "must be the name of a bucket: 3 to 63 of a-z, 0-9, . and -")

mail_address = matching(
    r"[!#-'*-.0-9A-Z^-~]+@[0-9A-Za-z.-]+", "must be addresses such as ops@example.com, comma-separated"
)

address = matching(r"[0-9A-Za-z.:_-]+", "must be an address, such as 127.0.0.1")

digits = matching(r"[0-9]{5,20}", "must be the number that Meta shows, digits only")
