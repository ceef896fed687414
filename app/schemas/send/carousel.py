"""Carousels: cards side by side. Source: Meta, messages/interactive-media-carousel-messages and catalogs.

Only few accounts can send them, so only the shape is enforced, and exceeding a limit of Meta's gives a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.schemas.send.actions import LinkParameters, ProductAction, Reply
from app.schemas.send.base import MetaObject, Variant
from app.schemas.send.media import MEDIA_HEADERS
from app.schemas.send.texts import Text, Word, by_type
from app.schemas.send.values import Items, Part, Whole

USUAL_CARDS = range(2, 11)
USUAL_CARD_BODY = 160
USUAL_CARD_BREAKS = 2


class CardBody(MetaObject):
    """A card's text."""

    text = Text(doubtful=USUAL_CARD_BODY, required=True)

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of too many lines."""
        if data["text"].count("\n") > USUAL_CARD_BREAKS:
            yield "text", f"has more than {USUAL_CARD_BREAKS} line breaks, which Meta may refuse"


class QuickReply(MetaObject):
    """A card's reply button."""

    type = Word("quick_reply", required=True)
    quick_reply = Part(Reply, required=True)


class CardAction(MetaObject):
    """A link, or reply buttons."""

    name = Word("cta_url")
    parameters = Part(LinkParameters)
    buttons = Items(Part(QuickReply))


class LinkCard(MetaObject):
    """A picture or video with a text and buttons."""

    card_index = Whole()
    type = Word("cta_url", required=True)
    header = Variant(MEDIA_HEADERS)
    body = Part(CardBody)
    action = Part(CardAction, required=True)


class ProductCard(MetaObject):
    """A product."""

    card_index = Whole()
    type = Word("product", required=True)
    action = Part(ProductAction, required=True)


class CarouselAction(MetaObject):
    """The cards."""

    cards = Items(Variant(by_type(LinkCard, ProductCard)), usual=USUAL_CARDS, required=True)

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of cards that differ in kind or in their number of buttons."""
        kinds = {(card["type"], len(card["action"].get("buttons", []))) for card in data["cards"]}
        if len(kinds) > 1:
            yield "cards", "differ in type or number of buttons, which Meta may refuse"
