"""Words of a text and terms of a search, both independent of case and accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MAX_WORD_LENGTH = 64
"""The number of letters of a word that are indexed and compared, because indexes limit the length of their entries."""

_WORD = re.compile(r"[^\W_]+|[\u2600-\u27bf\U0001f000-\U0001faff]")
_TERM = re.compile(rf"({_WORD.pattern})(\*?)")


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """A word to search for. With `is_prefix`, any word that begins with it matches."""

    word: str
    is_prefix: bool = False

    def matches(self, words: set[str]) -> bool:
        """Return whether one of these words matches."""
        if self.is_prefix:
            return any(word.startswith(self.word) for word in words)
        return self.word in words


def words_of(text: str) -> set[str]:
    """Return the words of a text, normalised. An emoji is a word of its own."""
    return _words(_plain(text))


def contains_all(text: str, words: Sequence[SearchTerm]) -> bool:
    """Return whether every term matches a word of the text."""
    plain = _plain(text)
    if not all(
        each.word in plain for each in words
    ):  # cheaper than splitting the text into words, which is needed only if this matches
        return False
    present = _words(plain)
    return all(each.matches(present) for each in words)


def parse_terms(text: str) -> list[SearchTerm]:
    """Parse a search: words, all of which must match; `hol*` matches every word that begins with `hol`."""
    found = (SearchTerm(word[:MAX_WORD_LENGTH], bool(star)) for word, star in _TERM.findall(_plain(text)))
    return list(dict.fromkeys(found))


def _words(plain: str) -> set[str]:
    return {word[:MAX_WORD_LENGTH] for word in _WORD.findall(plain)}


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")
