"""What each kind of message looks like in a thread."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.web.inbox.rendering import Beside, bubbles, one_line, rich_text
from app.web.inbox.rendering.markup import is_jumbo
from tests.web.inbox.reading import parsed
from tests.web.inbox.threads import message, sent, thread


@pytest.mark.parametrize(
    ("written", "html"),
    [
        ("*Hola* _che_ ~no~", "<strong>Hola</strong> <em>che</em> <del>no</del>"),
        ("*a _b ~c~ b_ a*", "<strong>a <em>b <del>c</del> b</em> a</strong>"),
        ("2*3*4 a_b_c", "2*3*4 a_b_c"),
        ("x * no, * no", "x * no, * no"),
        ("*no cierra", "*no cierra"),
        ("*uno\ndos*", "*uno\ndos*"),
        ("`x<b>`", "<code>x&lt;b&gt;</code>"),
        ("```a\n *b*```", "<pre><code>a\n *b*</code></pre>"),
        ("> cita", '<blockquote dir="auto">cita</blockquote>'),
        ("- uno\n* dos", '<ul><li dir="auto">uno</li><li dir="auto">dos</li></ul>'),
        ("3. tres\n4. cuatro", '<ol start="3"><li dir="auto">tres</li><li dir="auto">cuatro</li></ol>'),
    ],
)
def test_whatsapps_markup_becomes_html(written: str, html: str) -> None:
    assert html in rich_text(written)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("Mirá https://a.example/x_y_(z)?q=1&b=2).", "https://a.example/x_y_(z)?q=1&b=2"),
        ("www.tienda.example, dale", "https://www.tienda.example"),
        ("a ana@tienda.example.", "mailto:ana@tienda.example"),
        ("llamá al +54 9 11 1234-5678 hoy", "tel:+5491112345678"),
        ("*https://a.example/b*", "https://a.example/b"),
    ],
)
def test_addresses_become_links_that_tell_the_other_page_nothing(written: str, address: str) -> None:
    html = rich_text(written)

    assert parsed(html).hrefs == [address]
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize("written", ["*a " * 20_000, "_*" * 30_000, "https://" * 8_000, "a@" * 30_000, "> \n" * 20_000])
def test_long_texts_of_marks_take_no_time(written: str) -> None:
    began = time.thread_time()  # not of the clock, which runs on while others compute
    rich_text(written)
    rich_text(written[:8_000])
    one_line(written)

    assert time.thread_time() - began < 1.0


def test_up_to_three_emoji_alone_are_large() -> None:
    assert all(is_jumbo(each) for each in ("👍", "👨‍👩‍👧", "🇦🇷🇪🇸", "❤️", "👍🏽 👍🏽 👍🏽"))
    assert not any(is_jumbo(each) for each in ("👍👍👍👍", "1", "a 👍", "", "#"))


def test_a_line_of_a_list_has_no_marks() -> None:
    assert one_line("*Hola* ~a~\n\n```x``` que_tal_ a") == "Hola a x que_tal_ a"
    assert one_line("x" * 200, 10) == "x" * 9 + "…"


def _words(*messages: Any, **beside: Any) -> str:
    return parsed(thread(*messages, beside=Beside(**beside))).text


def test_a_place_is_a_link_and_loads_no_map() -> None:
    page = parsed(thread(message("location", {"latitude": -34.6, "longitude": -58.38, "name": "Obelisco"})))

    assert "Obelisco" in page.text
    assert any(href.startswith("https://www.openstreetmap.org/?mlat=-34.600000&mlon=-58.380000") for href in page.hrefs)
    assert "img" not in page.tags


def test_a_shared_contact_can_be_called_and_written_to() -> None:
    card = {
        "name": {"formatted_name": "Bo Li"},
        "org": {"company": "Tienda", "title": "Ventas"},
        "phones": [{"phone": "+34 600 111 222", "type": "WORK"}],
        "emails": [{"email": "bo@tienda.example"}],
    }
    page = parsed(thread(message("contacts", [card])))

    assert "Bo Li" in page.text and "Ventas, Tienda" in page.text
    assert {"tel:+34600111222", "mailto:bo@tienda.example"} <= set(page.hrefs)


def test_an_order_has_its_products_and_total() -> None:
    items = [
        {"product_retailer_id": "cafe-250", "quantity": 2, "item_price": 1500, "currency": "ARS"},
        {"product_retailer_id": "yerba", "quantity": 1, "item_price": 900, "currency": "ARS"},
    ]
    words = _words(message("order", {"product_items": items, "text": "Para *hoy*"}))

    assert "Order of 2 products" in words and "cafe-250" in words and "3,900.00 ARS" in words and "Para hoy" in words


def test_a_filled_in_form_is_a_table() -> None:
    response = {"flow_token": "secret", "screen_0_Full_name_0": "Ana", "sizes": ["S", "M"], "ok": True}
    page = parsed(thread(message("form", {"name": "flow", "response": response})))

    assert page.tags.count("tr") == 3
    assert "Full nameAna" in page.text.replace(" Ana", "Ana") and "S, M" in page.text and "secret" not in page.text


def test_buttons_and_lists_look_as_the_customer_saw_them() -> None:
    buttons = [{"type": "reply", "reply": {"id": "y", "title": "Sí"}}]
    asked = sent("interactive", {"type": "button", "body": {"text": "¿Va?"}, "action": {"buttons": buttons}})
    rows = [{"id": "1", "title": "Centro", "description": "Calle 1"}]
    menu = {"button": "Ver tiendas", "sections": [{"title": "Tiendas", "rows": rows}]}
    listed = sent("interactive", {"type": "list", "body": {"text": "Elegí"}, "action": menu})
    words = _words(asked, listed, message("button", {"title": "Sí"}), message("list_reply", {"title": "Centro"}))

    for each in ("¿Va?", "Sí", "Ver tiendas", "Tiendas", "Centro", "Calle 1"):
        assert each in words


_PARAMETERS = {
    "name": "order_sent",
    "language": {"code": "es"},
    "components": [
        {"type": "body", "parameters": [{"type": "text", "parameter_name": "name", "text": "Ana"}]},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "A1"}]},
    ],
}
_DEFINITION = {
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Tu pedido"},
        {"type": "BODY", "text": "Hola *{{name}}*, ya salió."},
        {"type": "FOOTER", "text": "Tienda"},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Seguir", "url": "https://t.example/{{1}}"}]},
    ]
}


def test_a_template_is_filled_in_with_what_was_sent() -> None:
    html = thread(sent("template", _PARAMETERS), beside=Beside(template=lambda name, language: _DEFINITION))
    page = parsed(html)

    assert "Tu pedido" in page.text and "Hola Ana, ya salió." in page.text and "Tienda" in page.text
    assert "https://t.example/A1" in page.hrefs
    assert "<strong>Ana</strong>" in html


def test_a_template_without_its_definition_shows_its_name_or_what_it_says() -> None:
    assert "Ana" in _words(sent("template", _PARAMETERS))
    assert "hello_world" in _words(sent("template", {"name": "hello_world", "language": {"code": "en_US"}}))


def test_a_file_is_loaded_from_this_gateway_only() -> None:
    ours = parsed(thread(message("image", {"url": "/api/media/1112/content", "caption": "mirá"})))
    theirs = parsed(thread(sent("image", {"link": "https://files.example/a.jpg"})))

    assert "img" in ours.tags and "mirá" in ours.text
    assert "img" not in theirs.tags and "https://files.example/a.jpg" in theirs.hrefs


@pytest.mark.parametrize(
    ("status", "tick"),
    [("queued", "waiting to be sent"), ("accepted", "sent"), ("delivered", "delivered"), ("played", "read")],
)
def test_a_tick_says_how_far_a_message_came(status: str, tick: str) -> None:
    assert tick in _words(sent("text", {"body": "x"}, status=status))


def test_a_failure_says_why_in_plain_words_and_what_to_do() -> None:
    error = {"code": 131047, "title": "Re-engagement message", "details": "More than 24 hours …"}
    words = _words(sent("text", {"body": "x"}, status="failed", error=error))

    assert "More than 24 hours have passed" in words and "Send a template" in words
    assert "Code 131047" in words and "Send again" in words


@pytest.mark.parametrize("code", [131048, 190, 132012, 1, 999999, None, "x"])
def test_every_failure_has_words(code: Any) -> None:
    (found,) = bubbles([sent("text", {"body": "x"}, status="failed", error={"code": code})], Beside())

    assert found.failure is not None and found.failure.what and found.failure.remedy


def test_a_held_message_asks_the_person() -> None:
    words = _words(sent("text", {"body": "x"}, status="held", error={"code": None, "details": "held: unknown"}))

    assert "Nobody knows whether it went out" in words
    assert all(each in words for each in ("Send again", "It was sent", "Cancel it"))


def test_quotes_reactions_edits_and_revocations_are_on_their_bubble() -> None:
    first = sent("text", {"body": "¿Todo bien?"}, id="a", message_id="wamid.1", message="¿Todo bien?")
    answer = message("text", {"body": "Sí"}, id="b", context={"id": "a", "message_id": "wamid.1"}, flags=["edited"])
    gone = message("text", {"body": "ups"}, id="c", flags=["revoked"])
    html = thread(
        first, answer, gone,
        beside=Beside(
            reactions={"a": [("❤️", False)]}, earlier={"b": [({"message": "So"}, None)]}, quoted={"a": first}
        ),
    )  # fmt: skip
    page = parsed(html)

    assert 'data-jump="a"' in html and "/inbox/message/a" in page.hrefs
    assert "❤️" in page.text and "edited" in page.text and "So" in page.text
    assert "The customer deleted this message." in page.text and "ups" in page.text


def test_pictures_sent_together_lie_in_one_album() -> None:
    pictures = [message("image", {"url": f"/api/media/{n}/content"}, id=str(n)) for n in range(3)]
    found = bubbles([*pictures, message("text", {"body": "x"})], Beside())

    assert [each.album for each in found] == ["first", "inner", "last", ""]
    assert [each.joins for each in found] == [False, True, True, True]


def test_what_is_unknown_can_be_unfolded() -> None:
    page = parsed(thread(message("hologram", {"depth": 3})))

    assert "details" in page.tags and '"depth": 3' in page.text


@pytest.mark.parametrize("content", [None, [], "x", 3, {"body": None}, {"components": 3}, [None, 3], {"action": []}])
@pytest.mark.parametrize(
    "kind",
    ["text", "image", "location", "contacts", "order", "form", "button", "interactive", "template", "system", "new"],
)
def test_a_message_of_any_shape_is_shown(kind: str, content: Any) -> None:
    odd = message(kind, content, context=content, referral=content, error=content, flags=content)

    assert parsed(thread(odd, odd | {"direction": "outbound", "status": "failed"})).tags
