"""The answer to a trial webhook: what of it arrived. Nothing is stored."""

from __future__ import annotations

import hashlib
import time

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app.security import probes
from app.security.meta_signatures import verify_meta_signature
from app.web.bodies import read_raw
from app.web.context import gateway


def is_probe(value: str, secret_key: str) -> bool:
    """Return whether a request with this header is a trial of this gateway's own."""
    return probes.is_ours(secret_key, value, time.time())


def answer_probe(signature: str | None, limit: int) -> ResponseReturnValue:
    """Say what arrived: the bytes' hash and number, whether an app secret of ours signed them, and the scheme.

    Raises `TooLarge` for a body above `limit` bytes, as for any webhook.
    """
    raw = read_raw(limit)
    signer = verify_meta_signature(gateway().directory.current.secrets, raw, signature)
    told = "missing" if not signature else "valid" if signer is not None else "wrong"
    return jsonify(
        status=probes.STATUS,
        signature=told,
        sha256=hashlib.sha256(raw).hexdigest(),
        bytes=len(raw),
        scheme=request.scheme,
        behind_proxy="X-Forwarded-For" in request.headers or "Forwarded" in request.headers,
        trusted_proxies=gateway().config.trusted_proxies,
    )
