"""The body of a send, as `POST /send/whatsapp` and the other ways to send accept it."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, ValidationError, fields, validates_schema

from app.domain.outbound import Mode, Priority
from app.schemas.error_texts import TIME
from app.schemas.send.actions import LABEL, MOST_BUTTONS
from app.schemas.send.base import MetaObject
from app.schemas.send.interactive import interactive
from app.schemas.send.media import Audio, Captioned, Document, Media
from app.schemas.send.plain import TEXT_BODY, Location, Pin, Reaction, TextContent, contacts
from app.schemas.send.template import Template
from app.schemas.send.texts import SPOKEN, Id, Link, Text, Word
from app.schemas.send.values import Flag, Items, Part

CALLBACK_DATA = 512


class Moment(fields.AwareDateTime):
    """A time with its offset from UTC."""

    default_error_messages = {
        **SPOKEN,
        "invalid": TIME,
        "invalid_awareness": TIME,
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(format="iso", **options)


class Context(MetaObject):
    """The message that this one answers."""

    message_id = Id(required=True)


class Contents(MetaObject):
    """Meta's object for each type of message. A new type is one more line."""

    text = Part(TextContent)
    image = Part(Captioned)
    video = Part(Captioned)
    audio = Part(Audio)
    document = Part(Document)
    sticker = Part(Media)
    location = Part(Location)
    contacts = contacts()
    reaction = Part(Reaction)
    interactive = interactive()
    template = Part(Template)
    pin = Part(Pin)


class SendMessageRequest(Contents):
    """A message to send: the short form (`to`, `message`, `image_url`, `buttons`), or `type` and Meta's object.

    `message` is a text, the caption of the image at `image_url`, or what stands above `buttons`. Everything from
    `phone_number_id` on is optional.
    """

    to = Text()
    recipient = Text()
    group_id = Text()
    message = Text(TEXT_BODY)
    image_url = Link()
    buttons = Items(Text(LABEL), most=MOST_BUTTONS, metadata={"description": "Titles of reply buttons."})
    type = Text()

    phone_number_id = Id()
    reply_to = Text()
    context = Part(Context)
    mode = Word(*Mode)
    send_at = Moment()
    expires_at = Moment()
    priority = Word(*Priority)
    callback_data = Text(CALLBACK_DATA)
    biz_opaque_callback_data = Text(CALLBACK_DATA)
    force = Flag()
    raw = Flag()

    messaging_product = Word("whatsapp")
    recipient_type = Word("individual", "group")
    recipient_identity_key_hash = Text()
    messaging_account_id = Id()

    def _may_be_absent(self, name: str) -> bool:
        """Return False: a blank recipient, mode or number is an error of the caller and must be reported."""
        return False

    @validates_schema(skip_on_field_errors=False)
    def check_pairs(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse contradicting fields, and an `expires_at` that is not after `send_at`."""
        quoted = data.get("context", {}).get("message_id")
        if quoted and data.get("reply_to", quoted) != quoted:
            raise ValidationError("names another message than `context`; leave one out", "reply_to")
        theirs = data.get("biz_opaque_callback_data")
        if theirs and data.get("callback_data", theirs) != theirs:
            raise ValidationError("differs from `biz_opaque_callback_data`; leave one out", "callback_data")
        if "send_at" in data and data.get("mode") == Mode.SYNC:
            raise ValidationError("cannot be sync with `send_at`; leave it out, or write queued", "mode")
        if "send_at" in data and "expires_at" in data and data["expires_at"] <= data["send_at"]:
            raise ValidationError("must be later than `send_at`", "expires_at")


CONTENT_TYPES = tuple(Contents().fields)

OPTIONS = ("recipient_identity_key_hash", "messaging_account_id")
"""Top-level fields of Meta's that are passed on unchanged."""

NEVER_PASSED = ("access_token", "appsecret_proof", "method", "batch", "status")
"""Fields that would change the meaning of the request to Graph; they are removed from `raw` sends."""

CHECKED = SendMessageRequest()
UNCHECKED = SendMessageRequest(exclude=CONTENT_TYPES, unknown=INCLUDE)
"""The schema for `raw`: checks our own fields only, and passes all others on."""
