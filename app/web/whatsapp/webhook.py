"""Meta's webhook: the handshake, and the POST that keeps what came and says so."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from app import metrics, metrics_exemplars, traces
from app.container import Gateway
from app.errors import BadSignature, GatewayError
from app.logs import request_id_var
from app.schemas.api.service import AliveAnswer
from app.security import answer_headers
from app.security.meta_signatures import is_meta_signature
from app.security.probes import ENVIRON
from app.web.bodies import read_raw_of
from app.web.context import gateway
from app.web.observe import KEPT, WEBHOOK
from app.web.openapi.operations import describe, given
from app.web.whatsapp.probe import answer_probe, is_probe

LIMIT = 4 * 1024 * 1024
"""Meta's bodies reach 3 MB (Meta: webhooks/overview)."""

_BODY = b'{"status":"ok"}'
_HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY))), *answer_headers.ALL]
_REFUSED = "whatsapp_service.refused"
"""Key of the WSGI environ that holds the error for which a webhook was refused."""

_HANDSHAKE = (
    given("hub.mode", "query", "`subscribe`."),
    given("hub.verify_token", "query", "`WHATSAPP_VERIFY_TOKEN`."),
    given("hub.challenge", "query", "What Meta wants back."),
)
_SIGNATURE = given("X-Hub-Signature-256", "header", "`sha256=` and the HMAC of the body, made with the app secret.")
_NOTIFICATION = {
    "type": "object",
    "description": "Meta's notification. Any bytes with a good signature are kept.",
    "additionalProperties": True,
}


@describe(
    "verifyWebhook", "Webhook", {200: "text/plain", 403: "text/plain"}, errors=(), parameters=_HANDSHAKE
)  # fmt: skip
def handshake() -> ResponseReturnValue:
    """Give Meta its challenge back, as plain text and nothing else, if it knows our verify token."""
    token = request.args.get("hub.verify_token", "")
    expected = gateway().config.whatsapp_verify_token
    challenge = request.args.get("hub.challenge")
    is_meta = hmac.compare_digest(token.encode(), expected.encode())
    if request.args.get("hub.mode") != "subscribe" or challenge is None or not is_meta:
        return Response("Forbidden", 403, mimetype="text/plain")
    return Response(challenge, 200, mimetype="text/plain", headers={"X-Content-Type-Options": "nosniff"})


@describe(
    "receiveNotification", "Webhook", {200: AliveAnswer},
    body=_NOTIFICATION, errors=(401, 413, 503), parameters=(_SIGNATURE,),
)  # fmt: skip
def receive() -> ResponseReturnValue:
    """Answer 200 once the body is committed. No signature of ours, no entry; no database, no 200."""
    # Whatever was committed is answered by `AnswerKept`: only what was refused arrives here, and our own trials.
    environ = request.environ
    if _REFUSED in environ:
        raise environ[_REFUSED]
    if is_probe(environ.get(ENVIRON, ""), gateway().config.secret_key):
        told = answer_probe(environ, LIMIT)
        if told is not None:
            return told
    _keep(environ, gateway())  # a method or path that only Flask's routing takes for this one: no 200 without a commit
    return Response(_BODY, 200, mimetype="application/json")


class AnswerKept:
    """WSGI middleware: commits webhooks and answers 200 to them before Flask sees the request.

    Flask's routing, request context and response object cost as much CPU as checking, committing and answering a
    webhook together. A refused one goes on to Flask, whose error handlers answer it as they answer any other request.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], gateway: Callable[[], Gateway]) -> None:
        """`gateway` returns the services; it is called with each webhook."""
        self._app = app
        self._gateway = gateway

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if environ["REQUEST_METHOD"] == "POST" and environ.get("PATH_INFO") in WEBHOOK:
            if ENVIRON in environ and is_probe(environ[ENVIRON], self._gateway().config.secret_key):
                return self._app(environ, start_response)
            try:
                _keep(environ, self._gateway())
            except Exception as error:
                environ[_REFUSED] = error
            else:
                environ[KEPT] = True
                start_response("200 OK", _HEADERS.copy())
                return [_BODY]
        return self._app(environ, start_response)


def _keep(environ: dict[str, Any], gateway: Gateway) -> None:
    """Commit the body of a webhook. Raises what `read_raw` and `ReceiveNotification` raise."""
    gateway.tell_web_settings.begin()
    started = time.perf_counter()
    try:
        signature = environ.get("HTTP_X_HUB_SIGNATURE_256")
        if not is_meta_signature(signature):
            raise BadSignature  # before a byte of a stranger's body is read
        gateway.receive(read_raw_of(environ, LIMIT), signature, request_id_var.get())
    except GatewayError as error:
        metrics.notifications_refused.labels("signature" if isinstance(error, BadSignature) else error.code).inc()
        raise
    seconds, request_id = time.perf_counter() - started, request_id_var.get()
    metrics_exemplars.observe(metrics.webhook_seconds, seconds, request_id)
    traces.record("webhook", request_id, seconds, is_first=True)
