"""The `action` objects of interactive messages. Source: Meta, messages/interactive-*-messages and catalogs.

Calls and addresses in India could not be tried against Meta, so only their shape is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from app.schemas.send.base import MetaObject
from app.schemas.send.texts import Id, Link, Text, Word
from app.schemas.send.values import Anything, Items, Part, Whole

LABEL = 20
SECTION_TITLE = 24
MOST_BUTTONS = 3
MOST_SECTIONS = 10
MOST_ROWS = 10
MOST_PRODUCTS = 30
FLOW_LABEL = 30  # Meta's OpenAPI file; elsewhere 20
USUAL_TTL_MINUTES = range(1, 43_201)


class Reply(MetaObject):
    """A button's title and the id that comes back when it is pressed."""

    id = Id(256, required=True)
    title = Text(LABEL, required=True)


class ReplyButton(MetaObject):
    """One reply button."""

    type = Word("reply", required=True)
    reply = Part(Reply, required=True)


class ButtonsAction(MetaObject):
    """Reply buttons."""

    buttons = Items(Part(ReplyButton), most=MOST_BUTTONS, required=True)

    @validates_schema(skip_on_field_errors=False)
    def check_distinct(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse two buttons with the same title or id, as Meta does."""
        replies = [button.get("reply", {}) for button in data.get("buttons", ())]
        names = [name for name in ("id", "title") if _repeats(reply[name] for reply in replies if name in reply)]
        if names:
            raise ValidationError([f"must each have their own `{name}`" for name in names], "buttons")


class Row(MetaObject):
    """A line of a list."""

    id = Id(200, required=True)
    title = Text(24, required=True)
    description = Text(72)


class ListSection(MetaObject):
    """Rows under a title."""

    title = Text(SECTION_TITLE)
    rows = Items(Part(Row), required=True)


class ListAction(MetaObject):
    """A list that opens from a button."""

    button = Text(LABEL, required=True)
    sections = Items(Part(ListSection), most=MOST_SECTIONS, required=True)

    @validates_schema
    def check_sections(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Require at most ten rows in all, distinct row ids, and titles if there are several sections."""
        problems = _section_problems(data["sections"], "rows", MOST_ROWS)
        if _repeats(row["id"] for section in data["sections"] for row in section["rows"]):
            problems.append("must hold rows that each have an id of their own")
        if problems:
            raise ValidationError(problems, "sections")


class LinkParameters(MetaObject):
    """A label and where it leads."""

    display_text = Text(LABEL, required=True)
    url = Link(required=True)


class LinkAction(MetaObject):
    """Opens a URL."""

    name = Word("cta_url", required=True)
    parameters = Part(LinkParameters, required=True)


class LocationAction(MetaObject):
    """Sends a location."""

    name = Word("send_location", required=True)


class FlowPayload(MetaObject):
    """The first screen of a form and what it is filled with."""

    screen = Text()
    data = Anything()

    @validates_schema
    def check_data(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse empty data, as Meta does."""
        if data.get("data") == {}:
            raise ValidationError("must not be empty; leave it out", "data")


class FlowParameters(MetaObject):
    """Which form, and how it opens."""

    flow_message_version = Word("3", required=True)
    flow_id = Id()
    flow_name = Text()
    flow_cta = Text(FLOW_LABEL, doubtful=LABEL, required=True)
    flow_token = Text()
    mode = Word("draft", "published")
    flow_action = Word("navigate", "data_exchange")
    flow_action_payload = Part(FlowPayload)

    @validates_schema
    def check_flow(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Require exactly one of the two keys that identify the flow."""
        if ("flow_id" in data) == ("flow_name" in data):
            raise ValidationError("needs either `flow_id` or `flow_name`, and only one")


class FlowAction(MetaObject):
    """Opens a form."""

    name = Word("flow", required=True)
    parameters = Part(FlowParameters, required=True)


class ProductAction(MetaObject):
    """Shows a product."""

    catalog_id = Id(required=True)
    product_retailer_id = Id(required=True)


class ProductItem(MetaObject):
    """A product of the catalogue."""

    product_retailer_id = Id(required=True)


class ProductSection(MetaObject):
    """Products under a title."""

    title = Text(SECTION_TITLE)
    product_items = Items(Part(ProductItem), required=True)


class ProductsAction(MetaObject):
    """Shows several products."""

    catalog_id = Id(required=True)
    sections = Items(Part(ProductSection), most=MOST_SECTIONS, required=True)

    @validates_schema
    def check_sections(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Require at most thirty products in all, and titles if there are several sections."""
        problems = _section_problems(data["sections"], "product_items", MOST_PRODUCTS)
        if problems:
            raise ValidationError(problems, "sections")


class CatalogParameters(MetaObject):
    """The product whose picture stands for the catalogue."""

    thumbnail_product_retailer_id = Id()


class CatalogAction(MetaObject):
    """Opens the catalogue."""

    name = Word("catalog_message", required=True)
    parameters = Part(CatalogParameters)


class AddressParameters(MetaObject):
    """The country and what is known of the address."""

    country = Text(required=True)
    values = Anything()
    saved_addresses = Items(Anything(), may_be_empty=True)
    validation_errors = Anything()


class AddressAction(MetaObject):
    """Opens a form for an address."""

    name = Word("address_message", required=True)
    parameters = Part(AddressParameters, required=True)


class CallPermissionAction(MetaObject):
    """Allows or refuses calls."""

    name = Word("call_permission_request", required=True)


class VoiceCallParameters(MetaObject):
    """The button's label, how long it works, and what the call's webhook repeats."""

    display_text = Text(doubtful=LABEL)
    ttl_minutes = Whole(within=USUAL_TTL_MINUTES)
    payload = Text()


class VoiceCallAction(MetaObject):
    """Calls the business."""

    name = Word("voice_call", required=True)
    parameters = Part(VoiceCallParameters)


class ContactInfoAction(MetaObject):
    """Shares the customer's number."""

    name = Word("request_contact_info", required=True)


def _section_problems(sections: list[Mapping[str, Any]], key: str, most: int) -> list[str]:
    problems = []
    count = sum(len(section[key]) for section in sections)
    if count > most:
        problems.append(f"must be ≤ {most} {key} in all, and is {count}; leave some out")
    if len(sections) > 1 and not all(section.get("title") for section in sections):
        problems.append("must each have a `title` where there are several")
    return problems


def _repeats(values: Iterable[str]) -> bool:
    listed = list(values)
    return len(set(listed)) < len(listed)
