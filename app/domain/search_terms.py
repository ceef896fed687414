"""What a text is found by: its words, however they are accented and written large or small."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 64
"""Letters of a word that count. The rest makes no difference to anybody, and indexes bound what they take."""

_WORD = re.compile(r"[^\W_]+|[\u2600-\u27bf\U0001f000-\U0001faff]")
_ASKED = re.compile(rf"({_WORD.pattern})(\*?)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A word that is looked for. `is_beginning`: longer words that begin with it will do."""

    word: str
    is_beginning: bool = False

    def is_in(self, words: set[str]) -> bool:
        """Whether it is one of these."""
        if self.is_beginning:
            return any(word.startswith(self.word) for word in words)
        return self.word in words


def words_of(text: str) -> set[str]:
    """The words of a text; an emoji is one, too."""
    return _words(_plain(text))


def holds(text: str, words: Sequence[Wanted]) -> bool:
    """Whether a text has all of these words."""
    plain = _plain(text)
    if not all(each.word in plain for each in words):  # most texts need not be cut into words
        return False
    present = _words(plain)
    return all(each.is_in(present) for each in words)


def wanted(text: str) -> list[Wanted]:
    """The words that somebody looks for, all of which must be there. `hol*` is for any word that begins like that."""
    found = (Wanted(word[:LONGEST], bool(star)) for word, star in _ASKED.findall(_plain(text)))
    return list(dict.fromkeys(found))


def _words(plain: str) -> set[str]:
    return {word[:LONGEST] for word in _WORD.findall(plain)}


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")
