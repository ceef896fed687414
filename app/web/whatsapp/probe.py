"""The answer to a trial webhook: what of it arrived. Nothing is stored."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app.security import probes
from app.security.meta_signatures import verify_meta_signature
from app.web.bodies import read_raw
from app.web.context import gateway


def is_probe(value: str, secret_key: str) -> bool:
    """Return whether a request's header says that a trial of this gateway's own began its way here."""
    return probes.body_hash(secret_key, value, time.time()) is not None


def answer_probe(environ: dict[str, Any], limit: int) -> ResponseReturnValue | None:
    """Say what arrived: the bytes' hash and number, whether an app secret of ours signed them, and the scheme.

    None if this is no trial: the header is about another body, and an app secret of ours signed this one. Another body
    that nobody signed is a trial that was changed on its way, or a stranger's: its sender is told what he sent, and
    nothing of this gateway. Raises `TooLarge` for a body above `limit` bytes, as for any webhook.
    """
    raw, signature = read_raw(limit), environ.get("HTTP_X_HUB_SIGNATURE_256")
    config = gateway().config
    sha256 = hashlib.sha256(raw).hexdigest()
    is_whole = sha256 == probes.body_hash(config.secret_key, environ.get(probes.ENVIRON, ""), time.time())
    signer = verify_meta_signature(gateway().directory.current.secrets, raw, signature)
    if signer is not None and not is_whole:
        return None
    told = "missing" if not signature else "valid" if signer is not None else "wrong"
    arrived = {"status": probes.STATUS, "signature": told, "sha256": sha256, "bytes": len(raw)}
    if not is_whole:
        return jsonify(arrived)
    is_proxied = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    here = {"scheme": request.scheme, "behind_proxy": is_proxied, "trusted_proxies": config.trusted_proxies}
    return jsonify(arrived | here)
