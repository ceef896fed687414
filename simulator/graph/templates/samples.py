"""The samples that a template's media headers must show to the review (Meta: templates/components#media-header)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.graph.errors import GraphRefusal, invalid, malformed
from simulator.graph.uploads.store import PICTURES, Uploads
from simulator.settings import MetaApp

_KINDS: dict[str, tuple[str, ...]] = {
    "IMAGE": PICTURES, "VIDEO": ("video/mp4",), "GIF": ("video/mp4",), "DOCUMENT": ("application/pdf",),
}  # fmt: skip


def check_samples(uploads: Uploads, app: MetaApp, components: list[dict[str, Any]]) -> None:
    """Refuse a header of media without a sample, or with one that is no file of that kind this app has uploaded."""
    for header in _media_headers(components):
        example = header.get("example")
        handles = example.get("header_handle") if isinstance(example, dict) else None
        path = "components['HEADER']['example']['header_handle']"
        if not handles:
            raise GraphRefusal(2388043, f"A header of the format {header['format']} needs an example.")
        if not isinstance(handles, list):
            raise malformed(path, "must be an array.")
        for handle in handles:
            if uploads.kind_of(handle, app.app_id) not in _KINDS[header["format"]]:
                raise invalid(path, f"is no handle of a file for {header['format']} that this app has uploaded")


def _media_headers(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for component in components:
        for card in component.get("cards", []):
            yield from _media_headers(card["components"])
        if component.get("type") == "HEADER" and component.get("format") in _KINDS:
            yield component
