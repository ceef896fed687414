"""What a bubble shows of one message, by kind: plain data for the templates, every text still unescaped."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class File:
    """A picture, video, recording, document or sticker. `src` is a path of ours, `link` an address outside.

    `size` is in bytes. `state` is the vault's word for the file (`stored`, `pending`, `gone`, `refused`), or empty.
    """

    kind: str
    src: str | None = None
    thumbnail: str | None = None
    link: str | None = None
    name: str = ""
    mime_type: str = ""
    size: int | None = None
    is_voice: bool = False
    state: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A location. `url` opens it on a map; nothing of a map is loaded here."""

    url: str | None
    name: str = ""
    address: str = ""
    coordinates: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One labelled line of a card or a table; `url` makes it a link."""

    label: str
    value: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A shared contact."""

    name: str
    work: str = ""
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Button:
    """A button as the customer saw it. `kind` is `reply`, `url`, `call`, `copy`, `flow` or `other`."""

    label: str
    kind: str = "reply"
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A choice of a list."""

    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Choices of a list under a title."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Framed:
    """A template or an interactive message: header, body, footer and what can be pressed."""

    header: str = ""
    file: File | None = None
    place: Place | None = None
    body: Markup = field(default_factory=Markup)
    footer: str = ""
    buttons: tuple[Button, ...] = ()
    menu: str = ""
    sections: tuple[Section, ...] = ()
    cards: tuple[Framed, ...] = ()
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One product of a cart. `price` is written with its currency."""

    product: str
    quantity: str
    price: str


@dataclass(frozen=True, slots=True)
class Order:
    """A customer's cart."""

    lines: tuple[OrderLine, ...]
    note: str = ""
    total: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message did not arrive, in plain words, what to do about it, and Meta's code."""

    what: str
    remedy: str
    code: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that a bubble answers. Without an `id` it is not stored here, and there is nothing to jump to."""

    id: str | None
    is_ours: bool | None = None
    kind: str = ""
    text: str = ""
    thumbnail: str | None = None


@dataclass(frozen=True, slots=True)
class Advertisement:
    """The advertisement or post that the conversation began from."""

    headline: str
    body: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an edited message said before."""

    body: Markup
    until: datetime | None


Shown = File | Place | Order | Framed | tuple[Card, ...] | tuple[Line, ...] | Row | None


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message of a thread, ready for its template.

    `kind` names the part of the template that shows `shown`. `tick` is `clock`, `sent`, `delivered`, `read`, `failed`,
    `held`, `unknown` or empty. `joins` says that it continues the bubble above (same writer, within two minutes), and
    `album` that it lies in a row of pictures.
    """

    id: str
    wamid: str | None
    is_ours: bool
    kind: str
    at: datetime
    status: str
    tick: str
    body: Markup
    shown: Shown = None
    is_jumbo: bool = False
    failure: Failure | None = None
    quote: Quote | None = None
    reactions: tuple[tuple[str, bool], ...] = ()
    earlier: tuple[Earlier, ...] = ()
    is_edited: bool = False
    is_revoked: bool = False
    forwarded: str = ""
    advertisement: Advertisement | None = None
    author: str = ""
    json: str = ""
    plain: str = ""
    source: str = "live"
    joins: bool = False
    album: str = ""
