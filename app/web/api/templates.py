"""Templates, as Meta has them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.domain.template_parameters import Template, places
from app.schemas.api.lists import list_of
from app.schemas.api.templates import TemplateAnswer, TemplateQuery
from app.services.sending import choose_number
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("read", Blueprint("templates", __name__, url_prefix="/api/templates"))

_ANSWER = TemplateAnswer()


@bp.get("")
@describe(
    "listTemplates", "Templates", {200: list_of(TemplateAnswer)}, query=TemplateQuery, errors=(404, 429, 502, 503)
)
def index() -> ResponseReturnValue:
    """List the approved templates that a number can send, by name and language. Meta is asked every five minutes."""
    number = choose_number(gateway().directory.current, query().get("phone_number_id"), caller().numbers)
    found = gateway().templates.list(number.phone_number_id)
    name = query().get("name")
    rows = [_row(each) for each in found if name is None or each.name == name]
    return paging.page(_ANSWER.dump(rows, many=True), None)


def _row(template: Template) -> dict[str, Any]:
    body = next((each for each in template.components if str(each.get("type", "")).upper() == "BODY"), {})
    return {
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "text": str(body.get("text", "")),
        "parameters": [place.id for place in places(template)],
        "components": template.components,
    }
