from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.search_terms import MAX_WORD_LENGTH, SearchTerm, parse_terms, words_of


def test_words_are_plain_whatever_their_case_and_accents() -> None:
    assert words_of("Ñandú, ÑANDU! straße_STRASSE 42 🎉🎉") == {"nandu", "strasse", "42", "🎉"}


def test_what_is_wanted_keeps_its_order_and_says_what_is_a_beginning() -> None:
    assert parse_terms("Hol* mundo hol* mundo") == [SearchTerm("hol", True), SearchTerm("mundo")]


@given(st.text())
def test_every_word_of_a_text_is_found_in_it(text: str) -> None:
    words = words_of(text)

    assert all(word.matches(words) for word in parse_terms(text))
    assert all(len(word) <= MAX_WORD_LENGTH and word.replace("'", "") == word for word in words)
