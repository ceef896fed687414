"""Explain why the signature of a captured request does not verify, for `flask verify`."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.security import standard_webhooks as standard
from app.security.meta_signatures import sign_meta, verify_meta_signature

META_HEADER = "x-hub-signature-256"
Fits = Callable[[bytes, bytes], bool]
"""Takes a body and a key, and returns whether the request's signature is theirs."""


@dataclass(slots=True)
class Verdict:
    """The result for a request: the signature header that was checked, and the problems found."""

    header: str
    problems: list[str] = field(default_factory=list)

    @property
    def is_genuine(self) -> bool:
        """Whether no problem was found."""
        return not self.problems


def explain(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime | None) -> Verdict:
    """Check a request's signature, by Standard Webhooks or by Meta's scheme. Without `now` the time is not checked."""
    given = {name.strip().lower(): value.strip() for name, value in headers.items()}
    texts = [secret.strip() for secret in secrets]
    if META_HEADER in given and standard.SIGNATURE not in given:
        return Verdict(META_HEADER, list(_meta(given[META_HEADER], body, texts)))
    if standard.SIGNATURE not in given and "x-hub-signature" in given:
        problem = (
            "There is only X-Hub-Signature (SHA-1), which proves little. Look for X-Hub-Signature-256 beside it."
        )
        return Verdict(META_HEADER, [problem])
    return Verdict(standard.SIGNATURE, list(_standard(given, body, texts, now)))


def _standard(given: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime | None) -> Iterator[str]:
    missing = [name for name in (standard.ID, standard.TIMESTAMP, standard.SIGNATURE) if not given.get(name)]
    if missing:
        yield (
            f"Missing: {', '.join(missing)}. A proxy may drop headers it does not know, or this is no request of ours;"
            f" Meta's would have {META_HEADER}."
        )
        return
    timestamp = given[standard.TIMESTAMP]
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        yield f"{standard.TIMESTAMP} must be seconds since 1970, and is something else."
        return
    claimed = [each[3:] for each in given[standard.SIGNATURE].split() if each.startswith("v1,")]
    if not claimed:
        yield f"{standard.SIGNATURE} holds nothing that begins with v1, so nothing can be compared."
        return

    def fits(content: bytes, key: bytes) -> bool:
        signed = f"{given[standard.ID]}.{timestamp}.".encode() + content
        expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        return expected in claimed

    yield from _unfit(fits, body, list(_keys(secrets)))
    away = (int(timestamp) - now.timestamp()) if now else 0
    if abs(away) > standard.TOLERANCE_SECONDS:
        yield (
            f"The timestamp is {abs(away):.0f} seconds {'ahead of' if away > 0 else 'behind'} this machine's clock, and"
            f" {standard.TOLERANCE_SECONDS} are allowed. If you captured it just now, one of the two clocks is wrong;"
            " if it is an older capture, use --any-time."
        )


def _meta(header: str, body: bytes, secrets: Sequence[str]) -> Iterator[str]:
    if verify_meta_signature(secrets, body, header) is not None:
        return
    value = header.lower()
    if not re.fullmatch(r"sha256=[0-9a-f]{64}", value):
        yield f"{META_HEADER} must be sha256= and 64 hexadecimal digits, and is something else."
        return
    if value != header:
        yield "The signature is in capital letters; Meta writes small ones, and a strict receiver refuses others."
    keys = [(secret.encode(), "") for secret in secrets]
    yield from _unfit(lambda content, key: sign_meta(key.decode(), content) == value, body, keys)
    if any(secret.startswith(standard.PREFIX) for secret in secrets):
        yield f"A secret that begins with {standard.PREFIX} is one of Standard Webhooks; Meta's is the app secret."


def _keys(secrets: Sequence[str]) -> Iterator[tuple[bytes, str]]:
    """Yield each key that a sender may have derived from a secret, with the mistake; "" for the right key."""
    for secret in secrets:
        try:
            yield standard.read_secret(secret), ""
        except standard.WrongSecret as error:
            yield b"", f"The secret {error}."
        bare = secret.strip("\"'").removeprefix(standard.PREFIX)
        try:
            key = base64.b64decode(bare, validate=True)
            yield key, f"The secret fits if it begins with {standard.PREFIX}, and without quotes."
        except ValueError:
            pass
        for text in (secret, bare):
            yield text.encode(), (
                "The signature was made with the secret's text. The key is what its base64 after the prefix stands for."
            )


def _unfit(fits: Fits, body: bytes, keys: Sequence[tuple[bytes, str]]) -> Iterator[str]:
    """Yield the reasons why no signature fits; nothing if one fits with the right key."""
    right = [key for key, wrong in keys if not wrong]
    if any(fits(body, key) for key in right):
        return
    for key, wrong in keys:
        if wrong and key and fits(body, key):
            yield wrong
            return
    for content, how in _as_it_may_have_been(body):
        if any(fits(content, key) for key in right):
            yield how
            return
    yield from (wrong for key, wrong in keys if not key)
    if right:
        yield (
            "No signature fits. Either the secret is another one (compare it where it was made; a rotated one is good"
            " for a while only), or the body is not what was sent, in a way that cannot be guessed."
        )
    if not body:
        yield "The body is empty: it was probably read before, by something that parsed it."


def _as_it_may_have_been(body: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield bodies that the given one may have been made from, each with the change that explains the difference."""
    newline = "The body has another end: without the newline the signature fits. An editor or `echo` adds one."
    yield body.rstrip(b"\r\n"), newline
    yield body + b"\n", "The body lost the newline at its end: with it the signature fits."
    yield body.removeprefix(b"\xef\xbb\xbf"), "A byte order mark was put before the body; without it one fits."
    yield body.replace(b"\r\n", b"\n"), "Line ends were changed to CR LF; with LF alone the signature fits."
    anew = (
        "The body was written anew: as {} JSON the signature fits. Check the bytes as they came, before anything parses"
        " them."
    )
    try:
        parsed = json.loads(body)
        compact = json.dumps(parsed, separators=(",", ":"), ensure_ascii=False)
        escaped = json.dumps(parsed, separators=(",", ":"))
        spaced = json.dumps(parsed, ensure_ascii=False)
    except (ValueError, RecursionError):
        return
    yield compact.encode(errors="replace"), anew.format("compact")
    yield escaped.encode(), anew.format("compact, escaped")
    yield escaped.replace("/", "\\/").encode(), anew.format("compact, escaped")
    yield spaced.encode(errors="replace"), anew.format("spaced")
