"""What the gateway is measured against, served by the very same gunicorn, worker class and number of processes.

`bare` is what any Flask webhook must do and keeps nothing; `forgetful` is the gateway itself with everything on, whose
webhook view keeps nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import replace

from flask import Flask, request
from flask.typing import ResponseReturnValue

PATH = "/webhook/whatsapp"


def bare() -> Flask:
    """Flask, the signature, `json.loads`: nothing else."""
    app = Flask("bare")
    secret = os.environ["WHATSAPP_APP_SECRET"].encode()

    def receive() -> ResponseReturnValue:
        body = request.get_data()
        if not _is_signed(body, request.headers.get("X-Hub-Signature-256", ""), secret):
            return {"error": "unauthenticated"}, 401
        json.loads(body)
        return {"status": "ok"}

    app.add_url_rule(PATH, view_func=receive, methods=["POST"])
    app.add_url_rule("/readyz", endpoint="readyz", view_func=lambda: {"status": "ok"})
    return app


def forgetful() -> Flask:
    """The gateway, except that its webhook checks the signature, answers as ever, and forgets."""
    from app import create_app
    from app.errors import BadSignature

    app = create_app()
    secret = os.environ["WHATSAPP_APP_SECRET"].encode()

    def receive(raw: bytes, signature: str, _request_id: str) -> None:
        if not _is_signed(raw, signature, secret):
            raise BadSignature

    app.extensions["gateway"] = replace(app.extensions["gateway"], receive=receive)
    return app


def _is_signed(body: bytes, signature: str, secret: bytes) -> bool:
    expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)
