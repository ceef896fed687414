"""Parser of Meta's error objects. It returns the one form in which the gateway shows errors."""

from __future__ import annotations

from typing import Any

from app.schemas.base import MetaSchema
from app.schemas.lenient import Number, Text, as_list, as_text

Error = dict[str, Any]


class Problem(MetaSchema):
    """An element of any `errors[]` (Meta: support/error-codes)."""

    code = Number()
    title = Text()
    message = Text()
    href = Text()


_PROBLEM = Problem()


def parse_error(value: Any) -> Error | None:
    """Return `{"code", "title", "details", "message", "href"}` of an error object; None if the value is not one."""
    if not isinstance(value, dict):
        return None
    problem = _PROBLEM.read(value)
    code = problem["code"]
    return {
        "code": int(code) if code is not None else None,
        "title": problem["title"],
        "details": _details(problem.get("error_data")) or as_text(problem.get("details")),
        "message": problem["message"],
        "href": problem["href"],
    }


def first_error(value: Any) -> Error | None:
    """Return the first readable error of an `errors` list, or None."""
    if value is None:
        return None
    return next((error for element in as_list(value) if (error := parse_error(element))), None)


def _details(error_data: Any) -> str | None:
    return as_text(error_data.get("details")) if isinstance(error_data, dict) else as_text(error_data)
