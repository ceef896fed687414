"""Check that an event was posted by the gateway: Standard Webhooks, with the standard library alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from whatsapp_service_client.types import Event

TOLERANCE_SECONDS = 300
PREFIX = "whsec_"


class InvalidSignature(Exception):
    """The request is not the gateway's, or too old. Answer it with 401 and do nothing."""


class Webhook:
    """Checks requests that were signed with a secret: `whsec_…`, or several with commas while one replaces another.

    Raises `ValueError` for a secret that cannot be one.
    """

    def __init__(
        self, secret: str, *, tolerance: int = TOLERANCE_SECONDS, now: Callable[[], float] = time.time
    ) -> None:
        """`tolerance` is how many seconds the request's clock may differ from ours."""
        self._secrets = [_key(each.strip()) for each in secret.split(",") if each.strip()]
        if not self._secrets:
            raise ValueError("there is no secret")
        self._tolerance = tolerance
        self._now = now

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Return the event of a request. `body` is its bytes exactly as they came, `headers` in any case.

        Raises `InvalidSignature`, which says why. The `id` of an event is the same when it comes again.
        """
        given = {name.lower(): value for name, value in headers.items()}
        id, sent, signatures = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
        if not (id and sent and signatures):
            raise InvalidSignature("A header is missing: webhook-id, webhook-timestamp or webhook-signature.")
        if not (sent.isascii() and sent.isdigit() and len(sent) < 16):
            raise InvalidSignature("The header webhook-timestamp is no number of seconds.")
        if abs(self._now() - int(sent)) > self._tolerance:
            raise InvalidSignature(f"It was signed more than {self._tolerance} seconds from now; is this clock right?")
        signed = b"%s.%s.%s" % (id.encode(), sent.encode(), body)
        wanted = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in self._secrets]
        found = [each.partition(",")[2].encode() for each in signatures.split(" ") if each.startswith("v1,")]
        if not any(hmac.compare_digest(ours, theirs) for ours in wanted for theirs in found):
            raise InvalidSignature("No signature matches: another secret, or the body was changed or parsed before.")
        try:
            return cast("Event", json.loads(body))
        except ValueError:
            raise InvalidSignature("The body is signed, and is no JSON.") from None


def _key(secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        raise ValueError(f"a secret begins with {PREFIX}")
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("what follows whsec_ is not base64") from None
