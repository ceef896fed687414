"""Media in messages, and the headers that hold them. Source: Meta, messages/{image,video,audio,document}-messages."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from app.schemas.send.base import MetaObject, Variant
from app.schemas.send.texts import Id, Link, Text, Word, by_type
from app.schemas.send.values import Flag, Part

CAPTION = 1024
HEADER = 60
USUAL_FILENAME = 240


class Media(MetaObject):
    """A file at Meta (`id`) or a public URL that Meta fetches (`link`)."""

    id = Id()
    link = Link()

    @validates_schema
    def check_source(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Require exactly one of `id` and `link`."""
        if ("id" in data) == ("link" in data):
            raise ValidationError("needs either `id` (of an uploaded file) or `link` (a public URL), and only one")


class Captioned(Media):
    """An image or a video."""

    caption = Text(CAPTION)


class Audio(Media):
    """A sound file, or with `voice` a voice note (ogg with OPUS)."""

    voice = Flag()


class Document(Captioned):
    """Any other file; its `filename` decides what the customer's phone takes it for."""

    filename = Text(doubtful=USUAL_FILENAME)


class HeaderDocument(Media):
    """A document above an interactive message."""

    filename = Text(doubtful=USUAL_FILENAME)


class TextHeader(MetaObject):
    """A line above the body, without markdown."""

    type = Word("text", required=True)
    text = Text(HEADER, required=True)
    sub_text = Text(HEADER)


class ImageHeader(MetaObject):
    """An image above the body."""

    type = Word("image", required=True)
    image = Part(Media, required=True)


class VideoHeader(MetaObject):
    """A video above the body."""

    type = Word("video", required=True)
    video = Part(Media, required=True)


class DocumentHeader(MetaObject):
    """A document above the body."""

    type = Word("document", required=True)
    document = Part(HeaderDocument, required=True)


MEDIA_HEADERS = by_type(ImageHeader, VideoHeader, DocumentHeader)
HEADERS = by_type(TextHeader) | MEDIA_HEADERS


def header() -> Variant:
    """Return the field for a header of any type."""
    return Variant(HEADERS)
