"""Would this send succeed now, and if not, why?"""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.domain.outbound import OutboundRequest
from app.errors import GatewayError, GraphError, NotFound
from app.schemas.api.preflight import PreflightAnswer
from app.schemas.json_text import parse_json
from app.schemas.send import read_send_request
from app.schemas.send.kinds import SEND
from app.web.auth import caller, requires
from app.web.bodies import read_json_bytes
from app.web.context import gateway
from app.web.idempotency import ignores_key
from app.web.openapi.operations import describe

bp = requires("read", Blueprint("preflight", __name__, url_prefix="/api/preflight"))

_ANSWER = PreflightAnswer()


@bp.post("")
@describe("checkSend", "Sending", {200: PreflightAnswer}, body=SEND)
@ignores_key
def check() -> ResponseReturnValue:
    """Check a send without sending it: its fields, the window, opt-outs, limits, and that Meta approved its template.

    The answer is 200 whether it would succeed or not. Meta may still refuse what is fine here.
    """
    problems: list[dict[str, Any]] = []
    warnings: list[str] = []
    found = None
    try:
        request = read_send_request(parse_json(read_json_bytes()), gateway().config.default_region or None)
        found = gateway().send.check(request, caller().numbers)
        warnings += found.warnings
        warnings += _check_template(request, found.phone_number_id)
    except GatewayError as error:
        if error.code in ("malformed", "too_large", "unsupported_media_type", "unavailable") and not _is_graphs(error):
            raise
        problems.append(_told(error))
    answer: dict[str, Any] = _ANSWER.dump(
        {
            "ok": not problems,
            "phone_number_id": found.phone_number_id if found else None,
            "at": found.at if found else None,
            "warnings": warnings,
        }
    )
    return answer | {"problems": problems}


def _check_template(request: OutboundRequest, phone_number_id: str) -> list[str]:
    """Return warnings. Raises `TemplateInvalid` for a template that Meta says it has not approved."""
    if request.type != "template" or not isinstance(request.content, dict):
        return []
    language = request.content.get("language")
    code = str(language.get("code", "")) if isinstance(language, dict) else str(language or "")
    try:
        gateway().templates.find(phone_number_id, str(request.content.get("name", "")), code)
    except NotFound as error:
        raise TemplateInvalid(error.message) from None
    except GraphError:
        return ["Meta could not be asked for its templates."]
    return []


class TemplateInvalid(GatewayError):
    """Meta has no approved template with this name and language."""

    code = "template_invalid"


def _is_graphs(error: GatewayError) -> bool:
    return isinstance(error, GraphError)


def _told(error: GatewayError) -> dict[str, Any]:
    told: dict[str, Any] = {"code": error.code, "message": error.message, "retryable": error.retryable}
    if error.fields:
        told["fields"] = error.fields
    return told
