"""Schemas that all lists share: queries, and the object around the rows."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from app.schemas.api.query import Count, Cursor, Query, Time


class PageQuery(Query):
    """Which page."""

    limit = Count(1, 500, usual=50)
    cursor = Cursor(metadata={"description": "Where the last page ended: its `next_cursor`."})


class TimesQuery(PageQuery):
    """Which page of what happened between two times."""

    since = Time("Not before this time (ISO 8601 with its offset).")
    until = Time("Before this time (ISO 8601 with its offset).")

    @validates_schema(skip_on_field_errors=False)
    def check_order(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Raise `ValidationError` if `since` is not before `until`."""
        check_order(data)


def check_order(data: dict[str, Any]) -> None:
    """Raise `ValidationError` if both times are given and `since` is not before `until`."""
    if "since" in data and "until" in data and data["since"] >= data["until"]:
        raise ValidationError("must be before `until`", "since")


def list_of(item: type[Schema]) -> type[Schema]:
    """Return the schema of a list of `item`: `data`, newest first, and `next_cursor`, null on the last page."""
    listed = Schema.from_dict(
        {
            "data": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(
                required=True, allow_none=True, metadata={"description": "Give it back as `cursor`; null at the end."}
            ),
        },
        name=f"{item.__name__.removesuffix('Answer')}List",
    )
    listed.__doc__ = "A page of the list."
    return listed
