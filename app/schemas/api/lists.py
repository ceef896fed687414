"""What lists share: their queries, and the frame around their answers."""

from __future__ import annotations

from marshmallow import Schema, fields

CURSOR = "Where the last page ended: its `next_cursor`."


class PageQuery(Schema):
    """Which page."""

    limit = fields.Integer(metadata={"minimum": 1, "maximum": 500, "default": 50})
    cursor = fields.String(metadata={"description": CURSOR})


class TimesQuery(PageQuery):
    """Which page of what happened between two times."""

    since = fields.DateTime(metadata={"description": "Not before this time (ISO 8601 with its offset)."})
    until = fields.DateTime(metadata={"description": "Before this time (ISO 8601 with its offset)."})


def list_of(item: type[Schema]) -> type[Schema]:
    """The answer of a list of these: `data`, newest first, and `next_cursor`, null on the last page."""
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
