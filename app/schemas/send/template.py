"""Template messages. Source: Meta, messages/template-messages.

The parameters that a template needs depend on its definition at Meta, so only their shape is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from app.schemas.send.base import MetaObject, Variant
from app.schemas.send.media import Document, Media
from app.schemas.send.plain import Location
from app.schemas.send.texts import Id, Text, Word, by_type
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

    type = Word(required=True)
    parameter_name = Text()


class TextParameter(Parameter):
    """A text, on one line."""

    type = Word("text", any_case=True, required=True)
    text = Text(doubtful=USUAL_PARAMETER, required=True)

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of line breaks and runs of spaces, which Meta refuses in most parameters."""
        if _BROKEN_LINE.search(data["text"]):
            yield "text", "holds line breaks, tabs or more than four spaces in a row, which Meta may refuse"


class CurrencyParameter(Parameter):
    """An amount."""

    type = Word("currency", any_case=True, required=True)
    currency = Part(Currency, required=True)


class DateTimeParameter(Parameter):
    """A moment."""

    type = Word("date_time", any_case=True, required=True)
    date_time = Part(DateTime, required=True)


class ImageParameter(Parameter):
    """The header's image."""

    type = Word("image", any_case=True, required=True)
    image = Part(Media, required=True)


class VideoParameter(Parameter):
    """The header's video."""

    type = Word("video", any_case=True, required=True)
    video = Part(Media, required=True)


class DocumentParameter(Parameter):
    """The header's document."""

    type = Word("document", any_case=True, required=True)
    document = Part(Document, required=True)


class LocationParameter(Parameter):
    """The header's location."""

    type = Word("location", any_case=True, required=True)
    location = Part(Location, required=True)


class ProductParameter(Parameter):
    """The header's product."""

    type = Word("product", any_case=True, required=True)
    product = Part(Product, required=True)


class PayloadParameter(Parameter):
    """What comes back when a quick reply is pressed."""

    type = Word("payload", any_case=True, required=True)
    payload = Text(doubtful=USUAL_PAYLOAD, required=True)


class CouponParameter(Parameter):
    """The code that a button copies."""

    type = Word("coupon_code", any_case=True, required=True)
    coupon_code = Text(required=True)


class ActionParameter(Parameter):
    """What a flow, catalogue or products button opens."""

    type = Word("action", any_case=True, required=True)
    action = Anything(required=True)


class OfferParameter(Parameter):
    """The end of a limited offer."""

    type = Word("limited_time_offer", any_case=True, required=True)
    limited_time_offer = Part(Offer, required=True)


PARAMETERS = by_type(
    TextParameter, CurrencyParameter, DateTimeParameter, ImageParameter, VideoParameter, DocumentParameter,
    LocationParameter, ProductParameter, PayloadParameter, CouponParameter, ActionParameter, OfferParameter,
)  # fmt: skip


class Component(MetaObject):
    """A part of the template and what fills it."""

    type = Word(required=True)
    parameters = Items(Variant(PARAMETERS, any_case=True), may_be_empty=True)

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of named and unnamed parameters in one component: a template has only one of the two kinds."""
        named = {"parameter_name" in parameter for parameter in data.get("parameters", [])}
        if len(named) > 1:
            yield "parameters", "are named in part; templates want all names or none"


class HeaderComponent(Component):
    """What fills the header."""

    type = Word("header", any_case=True, required=True)


class BodyComponent(Component):
    """What fills the text."""

    type = Word("body", any_case=True, required=True)


class FooterComponent(Component):
    """What fills the footer."""

    type = Word("footer", any_case=True, required=True)


class OfferComponent(Component):
    """When the limited offer ends."""

    type = Word("limited_time_offer", any_case=True, required=True)


class ButtonComponent(Component):
    """What fills one button."""

    type = Word("button", any_case=True, required=True)
    sub_type = Word(*BUTTONS, any_case=True, required=True)
    index = Index(required=True)


CARD_COMPONENTS = by_type(HeaderComponent, BodyComponent, ButtonComponent)


class TemplateCard(MetaObject):
    """One card of a carousel template."""

    card_index = Whole(required=True)
    components = Items(Variant(CARD_COMPONENTS, any_case=True), required=True)


class CarouselComponent(MetaObject):
    """The cards of a carousel template."""

    type = Word("carousel", any_case=True, required=True)
    cards = Items(Part(TemplateCard), required=True)


COMPONENTS = by_type(
    HeaderComponent, BodyComponent, FooterComponent, ButtonComponent, CarouselComponent, OfferComponent
)


class Template(MetaObject):
    """An approved template in one language, filled in."""

    name = Text(NAME, required=True)
    language = Part(Language, required=True)
    components = Items(Variant(COMPONENTS, any_case=True), may_be_empty=True)
