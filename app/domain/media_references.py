"""Where a message names files: in its own object, in headers, in parameters of templates and in cards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.outbound_media import Purpose

_KINDS = frozenset({"image", "video", "audio", "document", "sticker"})
_ON_THE_WAY = frozenset({"interactive", "template", "header", "action", "cards", "components", "parameters"})
"""Members that lead to files. Others may be data of the caller's own, as in a flow, and name nothing of Meta's."""

LINK_FETCHED = "link_fetched"
"""The flag of a message whose links the gateway fetches and uploads, so that Meta need not fetch them."""

_OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class MediaReference:
    """A file that a message names: `key` is an id (ours or Meta's) or a link; `path` is dotted, as in errors."""

    path: str
    purpose: Purpose
    key: str
    is_link: bool

    @property
    def is_ours(self) -> bool:
        """Whether the key has the form of our ids. Meta's are digits."""
        return not self.is_link and is_our_id(self.key)


def is_our_id(media_id: str) -> bool:
    """Return whether an id has the form of ours."""
    return _OURS.fullmatch(media_id) is not None


def references(type_: str, content: Any) -> Iterator[MediaReference]:
    """Yield every file that the content of a message names. Never raises; the content of type `raw` may be anything."""
    yield from _within(type_, content, type_)


def _within(name: str, value: Any, path: str) -> Iterator[MediaReference]:
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from _within(name, item, f"{path}.{position}")
    elif isinstance(value, dict):
        if name in _KINDS:
            yield from _named(name, value, path)
        else:
            for inner in value.keys() & (_KINDS | _ON_THE_WAY) if name in _ON_THE_WAY or path == name else ():
                yield from _within(inner, value[inner], f"{path}.{inner}")


def _named(kind: str, media: Mapping[str, Any], path: str) -> Iterator[MediaReference]:
    purpose = Purpose.VOICE if kind == "audio" and media.get("voice") is True else Purpose(kind)
    for member, is_link in (("id", False), ("link", True)):
        key = media.get(member)
        if isinstance(key, str) and key:
            yield MediaReference(f"{path}.{member}", purpose, key, is_link)


def with_uploads(type_: str, content: Any, uploads: Mapping[str, str]) -> Any:
    """Return the content with Meta's ids in the place of our ids and of links that were uploaded."""
    return _replaced(type_, content, uploads) if uploads else content


def _replaced(name: str, value: Any, uploads: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_replaced(name, item, uploads) for item in value]
    if not isinstance(value, dict):
        return value
    if name not in _KINDS:
        led = _KINDS | _ON_THE_WAY
        return {inner: _replaced(inner, each, uploads) if inner in led else each for inner, each in value.items()}
    for member in ("id", "link"):
        if (meta_id := uploads.get(str(value.get(member)))) is not None:
            rest = {inner: each for inner, each in value.items() if inner not in ("id", "link")}
            return {"id": meta_id, **rest}
    return value
