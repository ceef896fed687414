"""Schemas of people, of their sign-in links, and of API keys."""

from __future__ import annotations

from marshmallow import fields, validate

from app.domain.people import LONGEST_NAME, ROLES
from app.schemas.normalized_message import EveryKey, UtcTime
from app.schemas.patterns import Matches
from app.schemas.send.values import Flag
from app.schemas.strict import Strict

SCOPES = ("send", "read", "admin")
_ROLE = validate.OneOf(ROLES, error="must be one of {choices}")
_NUMBERS = "Phone number ids; null means all numbers."


def _numbers() -> fields.List[str]:
    number = fields.String(validate=Matches("[0-9]{5,20}", error="must be Meta's id of the number, digits only"))
    return fields.List(number, allow_none=True, validate=validate.Length(min=1), metadata={"description": _NUMBERS})


class PersonRequest(Strict):
    """A person to add."""

    name = fields.String(required=True, validate=validate.Length(1, LONGEST_NAME))
    role = fields.String(required=True, validate=_ROLE)
    numbers = _numbers()


class PersonChange(Strict):
    """What to change of a person; what is not named stays."""

    role = fields.String(validate=_ROLE)
    numbers = _numbers()
    disabled = Flag(metadata={"description": "True takes the access away at once: sessions and links end."})


class PersonAnswer(EveryKey):
    """A person who works in the inbox. Dumps a mapping."""

    id = fields.String()
    name = fields.String()
    role = fields.String(metadata={"enum": list(ROLES)})
    numbers = fields.List(fields.String(), allow_none=True, metadata={"description": _NUMBERS})
    created_at = UtcTime()
    disabled_at = UtcTime(allow_none=True, metadata={"description": "Since when the person has no access."})
    sessions = fields.Integer(metadata={"description": "How many browsers are signed in."})
    last_seen_at = UtcTime(allow_none=True, metadata={"description": "When one of them was used last, by the minute."})


class SignInLinkAnswer(EveryKey):
    """A link by which a person signs in, once. It is not shown again."""

    url = fields.String(metadata={"format": "uri"})
    expires_at = UtcTime()


class RevokedAnswer(EveryKey):
    """What ended."""

    success = fields.Boolean()
    revoked = fields.Integer(metadata={"description": "How many links, or sessions."})


class KeyRequest(Strict):
    """A key to make."""

    name = fields.String(required=True, validate=validate.Length(1, 64))
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES, error="must be one of {choices}")),
        required=True,
        validate=validate.Length(min=1),
    )
    numbers = _numbers()


class KeyAnswer(EveryKey):
    """An API key, without the key itself."""

    name = fields.String()
    scopes = fields.List(fields.String(metadata={"enum": list(SCOPES)}))
    numbers = fields.List(fields.String(), allow_none=True, metadata={"description": _NUMBERS})
    created_at = UtcTime()
    revoked_at = UtcTime(allow_none=True)


class CurrentKeyAnswer(EveryKey):
    """What a key may do: `admin` has all scopes."""

    name = fields.String()
    scopes = fields.List(fields.String(metadata={"enum": list(SCOPES)}))
    numbers = fields.List(fields.String(), allow_none=True, metadata={"description": _NUMBERS})


class NewKeyAnswer(KeyAnswer):
    """An API key with its text, which is not shown again."""

    key = fields.String()
