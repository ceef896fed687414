"""Lists, page by page or item by item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class Page(list[Item]):
    """One page of a list: its items, and in `next_cursor` where the next one begins (None at the end)."""

    def __init__(self, items: list[Item], next_cursor: str | None) -> None:
        super().__init__(items)
        self.next_cursor = next_cursor


class Pages(Generic[Item]):
    """A list of the gateway. Iterating asks for page after page; `first()` asks for one alone."""

    def __init__(self, fetch: Callable[[str | None], dict[str, Any]], cursor: str | None = None) -> None:
        self._fetch = fetch
        self._cursor = cursor

    def __iter__(self) -> Iterator[Item]:
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[Page[Item]]:
        """Each page, the newest first."""
        cursor = self._cursor
        while True:
            page = self._page(cursor)
            yield page
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def first(self) -> Page[Item]:
        """The first page alone: at most `limit` items."""
        return self._page(self._cursor)

    def _page(self, cursor: str | None) -> Page[Item]:
        answer = self._fetch(cursor)
        return Page(answer["data"], answer.get("next_cursor"))
