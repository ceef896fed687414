"""Template messages. Source: Meta, messages/template-messages.

What a template wants is known from its definition alone, so only the shape of what fills it is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from app.schemas.send.base import MetaObject, Variant
from app.schemas.send.media import Document, Media
from app.schemas.send.plain import Location
from app.schemas.send.texts import Id, Text, Word
from app.schemas.send.values import Anything, Index, Items, Part, Whole

NAME = 512
USUAL_PARAMETER = 1024
USUAL_PAYLOAD = 256

BUTTONS = ("quick_reply", "url", "copy_code", "catalog", "flow", "mpm", "spm", "voice_call", "phone_number")

_BROKEN_LINE = re.compile(r"[\n\r\t]| {5}")


class Language(MetaObject):
    """The code of an approved translation: `es`, `en_US`."""

    code = Text(required=True)
    policy = Word("deterministic")


class Currency(MetaObject):
    """An amount, and how it reads where Meta cannot format it."""

    fallback_value = Text(required=True)
    code = Text(required=True)
    amount_1000 = Whole(required=True)


class DateTime(MetaObject):
    """A moment, written as it shall read."""

    fallback_value = Text(required=True)


class Offer(MetaObject):
    """When a limited offer ends."""

    expiration_time_ms = Whole(required=True)


class Product(MetaObject):
    """A product of the catalogue."""

    product_retailer_id = Id(required=True)
    catalog_id = Id()


class Parameter(MetaObject):
    """What fills one place; templates with named places want `parameter_name`."""

    type = Text(required=True)
    parameter_name = Text()


class TextParameter(Parameter):
    """A text, on one line."""

    text = Text(doubtful=USUAL_PARAMETER, required=True)

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Meta refuses breaks and wide gaps in most places."""
        if _BROKEN_LINE.search(data["text"]):
            yield "text", "holds line breaks, tabs or more than four spaces in a row, which Meta may refuse"


class CurrencyParameter(Parameter):
    """An amount."""

    currency = Part(Currency, required=True)


class DateTimeParameter(Parameter):
    """A moment."""

    date_time = Part(DateTime, required=True)


class ImageParameter(Parameter):
    """The header's image."""

    image = Part(Media, required=True)


class VideoParameter(Parameter):
    """The header's video."""

    video = Part(Media, required=True)


class DocumentParameter(Parameter):
    """The header's document."""

    document = Part(Document, required=True)


class LocationParameter(Parameter):
    """The header's location."""

    location = Part(Location, required=True)


class ProductParameter(Parameter):
    """The header's product."""

    product = Part(Product, required=True)


class PayloadParameter(Parameter):
    """What comes back when a quick reply is pressed."""

    payload = Text(doubtful=USUAL_PAYLOAD, required=True)


class CouponParameter(Parameter):
    """The code that a button copies."""

    coupon_code = Text(required=True)


class ActionParameter(Parameter):
    """What a flow, catalogue or products button opens."""

    action = Anything(required=True)


class OfferParameter(Parameter):
    """The end of a limited offer."""

    limited_time_offer = Part(Offer, required=True)


PARAMETERS: dict[str, type[MetaObject]] = {
    "text": TextParameter,
    "currency": CurrencyParameter,
    "date_time": DateTimeParameter,
    "image": ImageParameter,
    "video": VideoParameter,
    "document": DocumentParameter,
    "location": LocationParameter,
    "product": ProductParameter,
    "payload": PayloadParameter,
    "coupon_code": CouponParameter,
    "action": ActionParameter,
    "limited_time_offer": OfferParameter,
}


class Component(MetaObject):
    """A part of the template and what fills it."""

    type = Text(required=True)
    parameters = Items(Variant(PARAMETERS, any_case=True), may_be_empty=True)

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """A template's places are named, or numbered, all of them."""
        named = {"parameter_name" in parameter for parameter in data.get("parameters", [])}
        if len(named) > 1:
            yield "parameters", "are named in part; templates want all names or none"


class ButtonComponent(Component):
    """What fills one button."""

    sub_type = Word(*BUTTONS, any_case=True, required=True)
    index = Index(required=True)


CARD_COMPONENTS: dict[str, type[MetaObject]] = {"header": Component, "body": Component, "button": ButtonComponent}


class TemplateCard(MetaObject):
    """One card of a carousel template."""

    card_index = Whole(required=True)
    components = Items(Variant(CARD_COMPONENTS, any_case=True), required=True)


class CarouselComponent(MetaObject):
    """The cards of a carousel template."""

    type = Word("carousel", any_case=True, required=True)
    cards = Items(Part(TemplateCard), required=True)


COMPONENTS: dict[str, type[MetaObject]] = {
    "header": Component,
    "body": Component,
    "footer": Component,
    "button": ButtonComponent,
    "carousel": CarouselComponent,
    "limited_time_offer": Component,
}


class Template(MetaObject):
    """An approved template in one language, filled in."""

    name = Text(NAME, required=True)
    language = Part(Language, required=True)
    components = Items(Variant(COMPONENTS, any_case=True), may_be_empty=True)
