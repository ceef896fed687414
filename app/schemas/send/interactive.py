"""Interactive messages: buttons, lists, links, flows, products and requests.

Source: Meta, messages/interactive-*-messages. Each kind is a schema in `INTERACTIVE`; a new kind is one more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.schemas.send.actions import (
    AddressAction,
    ButtonsAction,
    CallPermissionAction,
    CatalogAction,
    ContactInfoAction,
    FlowAction,
    LinkAction,
    ListAction,
    LocationAction,
    ProductAction,
    ProductsAction,
    VoiceCallAction,
)
from app.schemas.send.base import MetaObject, Variant
from app.schemas.send.carousel import CarouselAction
from app.schemas.send.media import HEADER, TextHeader, header
from app.schemas.send.texts import Text
from app.schemas.send.values import Part

BODY = 1024
LIST_BODY = 4096  # on the page of list messages; the OpenAPI file says 1,024


class Body(MetaObject):
    """The message's main text."""

    text = Text(BODY, required=True)


class ListBody(MetaObject):
    """The text above a list."""

    text = Text(LIST_BODY, doubtful=BODY, required=True)


class Footer(MetaObject):
    """A small line under the body."""

    text = Text(HEADER, required=True)


class Interactive(MetaObject):
    """What the kinds have in common. Each adds its `action`, and leaves out what Meta refuses."""

    type = Text(required=True)
    header = header()
    body = Part(Body, required=True)
    footer = Part(Footer)


class Buttons(Interactive):
    """One to three reply buttons."""

    action = Part(ButtonsAction, required=True)


class List(Interactive):
    """A menu of up to ten rows."""

    header = Variant({"text": TextHeader})
    body = Part(ListBody, required=True)
    action = Part(ListAction, required=True)


class LinkButton(Interactive):
    """A button that opens a URL."""

    action = Part(LinkAction, required=True)


class Flow(Interactive):
    """A form."""

    action = Part(FlowAction, required=True)


class Product(Interactive):
    """One product of a catalogue; it has no header of its own."""

    body = Part(Body)
    action = Part(ProductAction, required=True)

    class Meta(Interactive.Meta):
        exclude = ("header",)


class Products(Interactive):
    """Several products of a catalogue, under a header."""

    header = Variant({"text": TextHeader}, required=True)
    action = Part(ProductsAction, required=True)


class Catalog(Interactive):
    """The whole catalogue."""

    action = Part(CatalogAction, required=True)


class _Request(Interactive):
    """A request to the customer, which Meta documents with a body alone."""

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of a header or footer."""
        return [(name, "is not documented for this kind") for name in ("header", "footer") if name in data]


class LocationRequest(_Request):
    """Asks where the customer is."""

    action = Part(LocationAction, required=True)


class AddressRequest(_Request):
    """Asks for a postal address (India only)."""

    action = Part(AddressAction, required=True)


class CallPermissionRequest(_Request):
    """Asks whether the business may call."""

    action = Part(CallPermissionAction, required=True)


class VoiceCall(_Request):
    """A button that calls the business."""

    action = Part(VoiceCallAction, required=True)


class ContactInfoRequest(_Request):
    """Asks a customer whose number Meta hides to share it."""

    action = Part(ContactInfoAction, required=True)


class Carousel(_Request):
    """Cards side by side."""

    action = Part(CarouselAction, required=True)


INTERACTIVE: dict[str, type[MetaObject]] = {
    "button": Buttons,
    "list": List,
    "cta_url": LinkButton,
    "location_request_message": LocationRequest,
    "flow": Flow,
    "product": Product,
    "product_list": Products,
    "catalog_message": Catalog,
    "address_message": AddressRequest,
    "carousel": Carousel,
    "call_permission_request": CallPermissionRequest,
    "voice_call": VoiceCall,
    "request_contact_info": ContactInfoRequest,
}


def interactive() -> Variant:
    """The object that a message of type `interactive` is."""
    return Variant(INTERACTIVE)
