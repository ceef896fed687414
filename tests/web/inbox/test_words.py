"""The words of the pages: every text is there in every language, with the same placeholders, and compiled."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask

from app.config.parsers import ROOT
from app.web.inbox.languages import TRANSLATIONS
from tests.conftest import on_sqlite
from tests.people import Browser

LANGUAGES = ("es", "pt")
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{\w+\}")
REMEDY = "run `./run.sh words`, translate what is empty in app/translations, and run it again"
KEYWORDS: dict[str, Any] = {
    "_": None, "N_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "lazy_ngettext": (1, 2),
}  # fmt: skip


@cache
def texts() -> frozenset[Any]:
    """Every text that pages show, as the collector finds them."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(ROOT, methods, options, keywords=KEYWORDS)
    return frozenset(text for _, _, text, _, _ in found)


@cache
def catalogue(language: str) -> Catalog:
    return read_po(io.BytesIO((folder(language) / "messages.po").read_bytes()), locale=language)


def folder(language: str) -> Any:
    return TRANSLATIONS / language / "LC_MESSAGES"


def messages(language: str) -> Iterator[Message]:
    return (each for each in catalogue(language) if each.id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_a_page_is_translated(language: str) -> None:
    known = {each.id for each in messages(language)}
    empty = [each.id for each in messages(language) if not all(strings(each))]

    assert len(texts()) > 300
    assert (sorted(texts() - known, key=str), empty) == ([], []), REMEDY
    assert [each.id for each in messages(language) if each.fuzzy] == []
    assert sorted(known - texts(), key=str) == [], REMEDY


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    for each in messages(language):
        ids = each.id if isinstance(each.id, tuple) else (each.id,)
        for text, translation in zip(ids, strings(each), strict=True):
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(translation)), each.id
            assert text[-1:] not in ".:" or translation[-1:] == text[-1:], each.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_words_are_those_of_the_catalogue(language: str) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))

    assert (folder(language) / "messages.mo").read_bytes() == compiled.getvalue(), REMEDY


@on_sqlite
@pytest.mark.parametrize(
    ("asked", "lang", "words"),
    [
        ("es-AR,es;q=0.9,en;q=0.5", "es", "Iniciar sesión"),
        ("pt-BR", "pt", "Entrar"),
        ("pt-PT", "pt", "Entrar"),
        ("en-GB", "en", "Sign in"),
        ("de, fr", "en", "Sign in"),
        ("", "en", "Sign in"),
    ],
)
def test_a_page_speaks_the_language_that_the_browser_prefers(app: Flask, asked: str, lang: str, words: str) -> None:
    page = Browser(app, language=asked).get("/inbox/sign-in")

    assert f'<html lang="{lang}"' in page.text
    assert f"<h1>{words}</h1>" in page.text


def strings(message: Message) -> tuple[str, ...]:
    """The translations of a text: one, or one for each plural."""
    return message.string if isinstance(message.string, tuple) else (message.string,)
