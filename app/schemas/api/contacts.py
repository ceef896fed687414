"""Contacts, as they are answered."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.schemas.normalized_message import UtcTime


class Alias(Schema):
    """A name that Meta knows, or knew, a contact by."""

    kind = fields.String(required=True, metadata={"enum": ["wa_id", "user_id", "parent_user_id"]})
    value = fields.String(required=True)


class ContactOnNumber(Schema):
    """A contact as one of our numbers sees it."""

    phone_number_id = fields.String(required=True)
    last_inbound_at = UtcTime(
        required=True, metadata={"description": "When it last wrote, by Meta's clock; free-form answers hang on it."}
    )


class ContactAnswer(Schema):
    """A person on WhatsApp. `id` is ours and stays, whatever else changes."""

    id = fields.String(required=True, attribute="contact.id")
    name = fields.String(required=True, allow_none=True, attribute="contact.name")
    username = fields.String(required=True, allow_none=True, attribute="contact.username")
    aliases = fields.List(fields.Nested(Alias), required=True)
    created_at = UtcTime(required=True, attribute="contact.created_at")
    numbers = fields.List(fields.Nested(ContactOnNumber), required=True)
