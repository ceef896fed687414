"""What a module may register, and what is said of what it may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.handlers.offered import Mistake, On


def answer(message: Any, client: Any) -> None:
    """A handler."""


async def waits(message: Any, client: Any) -> None:
    """No handler."""


def lonely(message: Any) -> None:
    """No handler."""


@pytest.mark.parametrize(
    ("register", "words"),
    [
        (lambda on: on.message(waits), "waits is async"),
        (lambda on: on.message(lonely), "lonely must take two arguments"),
        (lambda on: on.message(lambda message, client: 1), "a handler needs a name"),
        (lambda on: on.message(name="a b")(answer), "a handler needs a name"),
        (lambda on: on.message(type=7), "type is a word, or a list of words"),
        (lambda on: on.message(type=[]), "type is a word, or a list of words"),
        (lambda on: on.status(status=[7]), "status is a word, or a list of words"),
        (lambda on: on.message(max_age="60"), "max_age is a whole number"),
        (lambda on: on.message(max_age=True), "max_age is a whole number"),
        (lambda on: on.event()(answer), "on.event takes types"),
        (lambda on: on.event(answer), "on.event takes types"),
        (lambda on: (on.message(answer), on.status(answer)), "two handlers are called tests.handlers.test_offered:ans"),
    ],
)
def test_what_cannot_work_is_refused_in_words(register: Callable[[On], Any], words: str) -> None:
    with pytest.raises(Mistake, match=words):
        register(On())


def test_a_function_stays_what_it_was_and_may_have_two_names() -> None:
    on = On()

    assert on.message(answer) is answer
    assert on.status(name="report")(answer) is answer
    assert list(on.handlers) == ["tests.handlers.test_offered:answer", "tests.handlers.test_offered:report"]
