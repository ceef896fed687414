"""Reading and answering as a browser without scripts does it: pages, links and forms."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
import responses
from flask import Flask

from app.container import Gateway
from app.domain.handover import HandledBy
from app.services.conversations import ThreadMessage
from tests.conftest import on_sqlite
from tests.factories import ANA, BO, OTHER_PNID, PNID, WABA, contact, message_body, text
from tests.people import Browser, sign_in
from tests.web.inbox.reading import parsed

pytestmark = on_sqlite

Receive = Callable[..., None]


@pytest.fixture
def browser(app: Flask) -> Browser:
    return sign_in(app, "Lucía")


@pytest.fixture
def thread(receive: Receive, gateway: Gateway) -> str:
    """The id of Ana's conversation: she wrote a minute ago."""
    written = text("Hola, *necesito* ayuda", timestamp=int(time.time()) - 60)
    receive(message_body(written, contacts=[contact(ANA, "Ana")]))
    return _only(gateway)


def _only(gateway: Gateway) -> str:
    from app.store.conversation_list import ConversationFilter

    ((found,), _) = gateway.conversations.list(ConversationFilter(), limit=2)
    return found.id


def _messages(gateway: Gateway, thread: str) -> list[ThreadMessage]:
    found = gateway.threads(thread, None, limit=50)
    return [each for each in found.items if isinstance(each, ThreadMessage)]


def _form(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def test_the_list_shows_who_wrote_and_what(browser: Browser, thread: str) -> None:
    page = browser.get("/inbox").text

    words = parsed(page).text
    assert "Ana" in words and "Hola, necesito ayuda" in words and "1 unread message" in words
    assert "You can answer for" in words
    assert f'href="/inbox/{thread}"' in page


def test_a_page_holds_nothing_that_its_policy_forbids(browser: Browser, thread: str) -> None:
    for path in ("/inbox", f"/inbox/{thread}", f"/inbox/{thread}?panel=1", f"/inbox/{thread}?react=x&reply=y"):
        page = browser.get(path)
        assert page.status_code == 200
        assert not re.search(r"<[^>]+\son\w+=|<[^>]+\sstyle=|<style|javascript:", page.text)


def test_a_script_gets_the_piece_that_it_asks_for(browser: Browser, thread: str) -> None:
    part = {"X-Inbox-Part": "1", "Sec-Fetch-Dest": "empty"}
    pane = browser.get(f"/inbox/{thread}", headers=part)
    messages = browser.get(f"/inbox/{thread}/messages", headers=part)

    assert pane.status_code == 200 and pane.text.lstrip().startswith("<section") and "<html" not in pane.text
    assert messages.text.count('<li class="message') == 1 and "<textarea" not in messages.text
    assert browser.get(f"/inbox/{'x' * 36}", headers=part).status_code == 404


def test_a_page_is_small(browser: Browser, thread: str, receive: Receive) -> None:
    now = int(time.time())
    receive(message_body(*[text("Lorem ipsum dolor sit amet " * 4, timestamp=now - n) for n in range(60)]))

    page = browser.get(f"/inbox/{thread}")

    assert len(page.data) < 150_000
    assert page.text.count('<li class="message') == 50


def test_older_messages_come_by_a_link(browser: Browser, thread: str, receive: Receive) -> None:
    now = int(time.time())
    receive(message_body(*[text(f"number {n}", timestamp=now - 59 + n // 2) for n in range(60)]))

    page = browser.get(f"/inbox/{thread}").text
    assert "number 59" in page and "number 3<" not in page
    older = re.search(r'href="([^"]+)" data-older', page)
    assert older
    assert "number 3<" in browser.get(older[1].replace("&amp;", "&")).text


def test_an_answer_is_queued_and_the_conversation_is_a_persons(
    browser: Browser, thread: str, gateway: Gateway
) -> None:
    page = browser.get(f"/inbox/{thread}").text
    form = {"text": "¡Hola!\r\n¿Qué necesitás?", "key": _form(page, "key"), "seen": _form(page, "seen")}

    sent = browser.post(f"/inbox/{thread}/send", data=form)

    assert (sent.status_code, sent.location) == (303, f"/inbox/{thread}#composer")
    answer = _messages(gateway, thread)[-1]
    assert (answer.message.content["body"], answer.message.status) == ("¡Hola!\n¿Qué necesitás?", "queued")
    assert answer.sender_kind == "person"
    assert gateway.conversations.one(thread, None).handled_by is HandledBy.HUMAN


def test_a_double_click_sends_once(browser: Browser, thread: str, gateway: Gateway) -> None:
    page = browser.get(f"/inbox/{thread}").text
    form = {"text": "Una vez", "key": _form(page, "key"), "seen": _form(page, "seen")}

    first = browser.post(f"/inbox/{thread}/send", data=form, headers={"Accept": "application/json"})
    second = browser.post(f"/inbox/{thread}/send", data=form, headers={"Accept": "application/json"})

    assert first.get_json() == second.get_json()
    assert len(_messages(gateway, thread)) == 2


def test_a_send_that_crossed_anothers_answer_asks_first(
    app: Flask, browser: Browser, thread: str, gateway: Gateway
) -> None:
    page = browser.get(f"/inbox/{thread}").text
    other = sign_in(app, "Marcos")
    other.post(f"/inbox/{thread}/send", data={"text": "Ya te respondo", "key": "m1"})
    form = {"text": "Hola", "key": "l1", "seen": _form(page, "seen")}

    asked = browser.post(f"/inbox/{thread}/send", data=form)

    assert asked.status_code == 409
    words = parsed(asked.text).text
    assert "Somebody answered meanwhile" in words and "Marcos" in words and "Ya te respondo" in words
    assert ">Hola</textarea>" in asked.text
    assert len(_messages(gateway, thread)) == 2
    assert browser.post(f"/inbox/{thread}/send", data=form | {"anyway": "1"}).status_code == 303
    assert browser.post(f"/inbox/{thread}/send", data=form | {"text": "y más", "key": "l2"}).status_code == 409


def test_a_closed_window_says_so_and_offers_templates(
    browser: Browser, receive: Receive, gateway: Gateway
) -> None:
    receive(message_body(text("Hola", timestamp=int(time.time()) - 90_000), contacts=[contact(ANA, "Ana")]))
    thread = _only(gateway)

    page = browser.get(f"/inbox/{thread}").text
    refused = browser.post(f"/inbox/{thread}/send", data={"text": "¿Seguís ahí?", "key": "k"})

    assert "The 24 hours are over." in page and f"/inbox/{thread}/templates" in page
    assert '<textarea id="text"' not in page
    assert refused.status_code == 422 and "Choose a template" in refused.text
    assert len(_messages(gateway, thread)) == 1


def test_an_answer_can_quote_and_react(browser: Browser, thread: str, gateway: Gateway) -> None:
    (theirs,) = _messages(gateway, thread)
    page = browser.get(f"/inbox/{thread}?reply={theirs.message.id}").text
    assert _form(page, "reply_to") == theirs.message.id

    browser.post(f"/inbox/{thread}/send", data={"text": "Sí", "key": "a", "reply_to": theirs.message.id})
    browser.post(f"/inbox/{thread}/react", data={"message": theirs.message.id, "emoji": "❤️", "key": "b"})

    first, answer = _messages(gateway, thread)
    assert answer.quoted is not None and answer.quoted.id == theirs.message.id
    assert [each.emoji for each in first.reactions] == ["❤️"]


def test_the_bot_gets_a_conversation_back_by_a_button(browser: Browser, thread: str, gateway: Gateway) -> None:
    browser.post(f"/inbox/{thread}/handover", data={"to": "human"})
    assert gateway.conversations.one(thread, None).handled_by is HandledBy.HUMAN

    browser.post(f"/inbox/{thread}/handover", data={"to": "bot"})
    assert gateway.conversations.one(thread, None).handled_by is HandledBy.BOT


TEMPLATE = {
    "name": "order_sent", "language": "es", "status": "APPROVED", "category": "UTILITY", "parameter_format": "NAMED",
    "components": [
        {"type": "BODY", "text": "Hola *{{name}}*, va el pedido {{order}}.",
         "example": {"body_text_named_params": [{"param_name": "name", "example": "Ana"}]}},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Seguir", "url": "https://t.example/{{1}}"}]},
    ],
}  # fmt: skip


@responses.activate
def test_a_template_is_chosen_filled_in_previewed_and_sent(browser: Browser, thread: str, gateway: Gateway) -> None:
    where = f"https://graph.example/v26.0/{WABA}/message_templates"
    paused = TEMPLATE | {"name": "paused_one", "status": "PAUSED"}
    responses.get(where, json={"data": [TEMPLATE, paused], "paging": {"cursors": {"after": "x"}}})
    path = f"/inbox/{thread}/templates"
    chosen = {"name": "order_sent", "language": "es"}

    listed = browser.get(path).text
    preview = parsed(browser.get(path, query_string=chosen | {"value.body.name": "<b>Ana</b>"}).text).text
    missing = browser.post(path, data=chosen | {"value.body.name": "Ana", "key": "t1"})
    sent = browser.post(
        path, data=chosen | {"value.body.name": "Ana", "value.body.order": "A1", "value.button.0": "A1", "key": "t1"}
    )

    assert "order_sent" in listed and "paused_one" not in listed
    assert "Hola <b>Ana</b>, va el pedido {{order}}." in preview
    assert missing.status_code == 422 and missing.text.count("Fill this in.") == 2
    assert sent.status_code == 303
    message = _messages(gateway, thread)[-1].message
    assert message.content["components"][0]["parameters"][1] == {
        "type": "text", "text": "A1", "parameter_name": "order",
    }  # fmt: skip
    assert "Hola Ana, va el pedido A1." in parsed(browser.get(f"/inbox/{thread}").text).text
    assert len(responses.calls) == 1


def test_what_did_not_arrive_is_decided_by_the_person(browser: Browser, thread: str, gateway: Gateway) -> None:
    browser.post(f"/inbox/{thread}/send", data={"text": "Hola", "key": "a"})
    answer = _messages(gateway, thread)[-1].message
    decide = f"/inbox/{thread}/messages/{answer.id}/decide"

    assert browser.post(decide, data={"act": "cancel"}).status_code == 303
    assert "It was cancelled before it went out." in browser.get(f"/inbox/{thread}").text
    assert browser.post(decide, data={"act": "retry"}).status_code == 303
    assert _messages(gateway, thread)[-1].message.status == "queued"
    assert browser.post(decide, data={"act": "mark-sent"}).status_code == 422
    assert browser.post(decide, data={"act": "explode"}).status_code == 422


def test_what_belongs_to_other_numbers_is_not_there(app: Flask, thread: str, gateway: Gateway) -> None:
    other = sign_in(app, "Bo", numbers=[OTHER_PNID])
    message = _messages(gateway, thread)[0].message.id

    assert "Ana" not in other.get("/inbox").text
    for path in ("", "/messages", "/templates", f"/message/{message}"):
        assert other.get(f"/inbox/{thread}{path}").status_code == 404
    for path in ("/send", "/react", "/files", "/handover", "/templates", f"/messages/{message}/decide"):
        form = {"text": "x", "key": "k", "message": message}
        assert other.post(f"/inbox/{thread}{path}", data=form).status_code == 404
    assert len(_messages(gateway, thread)) == 1


def test_a_page_works_under_a_prefix(app: Flask, browser: Browser, thread: str) -> None:
    page = browser.get(f"/inbox/{thread}", environ_overrides={"SCRIPT_NAME": "/wa"})

    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', page.text)
    assert links and all(link.startswith("/wa/") for link in links)


def test_search_and_filters_choose_rows(browser: Browser, thread: str, receive: Receive) -> None:
    receive(message_body(text("¿Precio?", sender=BO, timestamp=int(time.time())), contacts=[contact(BO, "Bo")]))

    assert "Bo" not in parsed(browser.get("/inbox/rows?q=ayuda").text).text
    assert "Ana" not in parsed(browser.get("/inbox/rows?q=Bo").text).text
    assert "No conversation fits." in browser.get("/inbox/rows?show=failed").text
    assert "Ana" in browser.get(f"/inbox/rows?show=unread&number={PNID}").text
    assert "No conversation fits." in browser.get("/inbox/rows?show=mine").text
    assert browser.get("/inbox/rows?cursor=nonsense&show=nonsense").status_code == 200


def test_the_panel_assigns_labels_notes_closes_and_reopens(browser: Browser, thread: str, gateway: Gateway) -> None:
    me = next(each.person.id for each in gateway.people.all())
    browser.post(f"/inbox/{thread}/assign", data={"take": "1"})
    browser.post(f"/inbox/{thread}/labels", data={"make": "1", "name": "Envíos"})
    browser.post(f"/inbox/{thread}/note", data={"text": "Llamar *mañana*"})

    found = gateway.conversations.one(thread, None)
    page = browser.get(f"/inbox/{thread}?panel=1").text
    assert (found.assignee, [each.name for each in found.labels]) == (me, ["Envíos"])
    assert "Llamar *mañana*" in page and "only for the team" in page and "Envíos" in page
    assert "Lucía" in parsed(browser.get("/inbox/rows?show=mine").text).text
    browser.post(f"/inbox/{thread}/labels", data={"remove": found.labels[0].id})
    browser.post(f"/inbox/{thread}/assign", data={"assignee": ""})
    browser.post(f"/inbox/{thread}/close")

    found = gateway.conversations.one(thread, None)
    assert (found.assignee, found.labels, found.is_closed) == (None, [], True)
    assert "Ana" in browser.get("/inbox/rows?show=closed").text
    browser.post(f"/inbox/{thread}/reopen")
    assert not gateway.conversations.one(thread, None).is_closed


@responses.activate
def test_seeing_a_thread_marks_it_as_read_here_and_at_the_customers(
    browser: Browser, thread: str, gateway: Gateway
) -> None:
    told = responses.post(f"https://graph.example/v26.0/{PNID}/messages", json={"success": True})

    assert browser.post(f"/inbox/{thread}/seen", headers={"Accept": "application/json"}).status_code == 204
    assert browser.post(f"/inbox/{thread}/seen", headers={"Accept": "application/json"}).status_code == 204

    assert gateway.conversations.one(thread, None).unread == 0
    assert told.call_count == 1


@responses.activate
def test_what_came_after_the_page_was_loaded_stays_unread(
    browser: Browser, thread: str, gateway: Gateway, receive: Receive
) -> None:
    told = responses.post(f"https://graph.example/v26.0/{PNID}/messages", json={"success": True})
    shown = _form(browser.get(f"/inbox/{thread}").text, "seen")
    receive(message_body(text("¿Hola?", timestamp=int(time.time()))))

    assert browser.post(f"/inbox/{thread}/seen", data={"seen": shown}).status_code == 303

    assert gateway.conversations.one(thread, None).unread == 1
    assert _messages(gateway, thread)[0].message.message_id in str(told.calls[0].request.body)


def test_a_conversation_in_which_the_customer_wrote_meanwhile_is_not_closed(
    browser: Browser, thread: str, gateway: Gateway, receive: Receive
) -> None:
    shown = _form(browser.get(f"/inbox/{thread}?panel=1").text.partition(f"/inbox/{thread}/close")[2], "seen")
    receive(message_body(text("One more thing", timestamp=int(time.time()))))

    assert browser.post(f"/inbox/{thread}/close", data={"seen": shown}).status_code == 409

    assert not gateway.conversations.one(thread, None).is_closed
    later = _form(browser.get(f"/inbox/{thread}?panel=1").text.partition(f"/inbox/{thread}/close")[2], "seen")
    assert browser.post(f"/inbox/{thread}/close", data={"seen": later}).status_code == 303


def test_labels_of_two_people_at_the_same_moment_both_stay(
    browser: Browser, thread: str, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = gateway.labels.add("one").id, gateway.labels.add("two").id
    page = gateway.conversations.one(thread, None)
    browser.post(f"/inbox/{thread}/labels", data={"add": one})
    # As somebody reads it who asked before the first label was there.
    monkeypatch.setattr(gateway.conversations, "one", lambda conversation_id, numbers: page)
    browser.post(f"/inbox/{thread}/labels", data={"add": two})
    monkeypatch.undo()

    assert {each.id for each in gateway.conversations.one(thread, None).labels} == {one, two}


def test_a_quick_reply_is_offered_in_the_composer(browser: Browser, thread: str, gateway: Gateway) -> None:
    gateway.quick_replies.add("hola", "¡Hola! ¿En qué te ayudo?")

    page = browser.get(f"/inbox/{thread}").text

    assert 'data-shortcut="hola"' in page and "¿En qué te ayudo?" in page
