"""Schemas of templates."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.api.query import NumberId, Plain, Query
from app.schemas.normalized_message import EveryKey


class TemplateQuery(Query):
    """Which templates."""

    phone_number_id = NumberId("Those of this number's account; needed if there are several.")
    name = Plain(metadata={"description": "Of this name."})


class TemplateAnswer(EveryKey):
    """A template that Meta has approved."""

    name = fields.String()
    language = fields.String()
    category = fields.String()
    text = fields.String(metadata={"description": "Its body, with `{{…}}` where it is filled."})
    parameters = fields.List(
        fields.String(), metadata={"description": "What it must be filled with, in order: `body.1`, `header.image`, …"}
    )
    components = fields.List(
        fields.Dict(keys=fields.String()), metadata={"description": "Its parts, as Meta documents them."}
    )
