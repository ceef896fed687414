"""Interactive messages: buttons, lists, links, flows, products and requests.

Source: Meta, messages/interactive-*-messages. Each kind is a schema in `INTERACTIVE`; a new kind needs an entry there.
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
from app.schemas.send.texts import Text, Word, by_type
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

    type = Word(required=True)
    header = header()
    body = Part(Body, required=True)
    footer = Part(Footer)


class Buttons(Interactive):
    """One to three reply buttons."""

    type = Word("button", required=True)
    action = Part(ButtonsAction, required=True)


class List(Interactive):
    """A menu of up to ten rows."""

    type = Word("list", required=True)
    header = Variant(by_type(TextHeader))
    body = Part(ListBody, required=True)
    action = Part(ListAction, required=True)


class LinkButton(Interactive):
    """A button that opens a URL."""

    type = Word("cta_url", required=True)
    action = Part(LinkAction, required=True)


class Flow(Interactive):
    """A form."""

    type = Word("flow", required=True)
    action = Part(FlowAction, required=True)


class Product(Interactive):
    """One product of a catalogue; it has no header of its own."""

    type = Word("product", required=True)
    body = Part(Body)
    action = Part(ProductAction, required=True)

    class Meta(Interactive.Meta):
        exclude = ("header",)


class Products(Interactive):
    """Several products of a catalogue, under a header."""

    type = Word("product_list", required=True)
    header = Variant(by_type(TextHeader), required=True)
    action = Part(ProductsAction, required=True)


class Catalog(Interactive):
    """The whole catalogue."""

    type = Word("catalog_message", required=True)
    action = Part(CatalogAction, required=True)


class _Request(Interactive):
    """A request to the customer, which Meta documents with a body alone."""

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of a header or footer."""
        return [(name, "is not documented for this kind") for name in ("header", "footer") if name in data]


class LocationRequest(_Request):
    """Asks where the customer is."""

    type = Word("location_request_message", required=True)
    action = Part(LocationAction, required=True)


class AddressRequest(_Request):
    """Asks for a postal address (India only)."""

    type = Word("address_message", required=True)
    action = Part(AddressAction, required=True)


class CallPermissionRequest(_Request):
    """Asks whether the business may call."""

    type = Word("call_permission_request", required=True)
    action = Part(CallPermissionAction, required=True)


class VoiceCall(_Request):
    """A button that calls the business."""

    type = Word("voice_call", required=True)
    action = Part(VoiceCallAction, required=True)


class ContactInfoRequest(_Request):
    """Asks a customer whose number Meta hides to share it."""

    type = Word("request_contact_info", required=True)
    action = Part(ContactInfoAction, required=True)


class Carousel(_Request):
    """Cards side by side."""

    type = Word("carousel", required=True)
    action = Part(CarouselAction, required=True)


INTERACTIVE = by_type(
    Buttons, List, LinkButton, LocationRequest, Flow, Product, Products, Catalog, AddressRequest, Carousel,
    CallPermissionRequest, VoiceCall, ContactInfoRequest,
)  # fmt: skip


def interactive() -> Variant:
    """Return the field for the content of a message of type `interactive`."""
    return Variant(INTERACTIVE)
