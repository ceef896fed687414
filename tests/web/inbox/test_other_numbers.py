"""An agent of one number finds, opens and changes nothing of another, by whatever id, form or search."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select

from app.container import Gateway
from app.models import Base, Conversation, Media, Message
from app.web.auth import ACCESS
from tests.conftest import PostWebhook, on_sqlite
from tests.factories import ANA, BO, OTHER_PNID, PNID, contact, message_body, text
from tests.people import Browser, sign_in

pytestmark = on_sqlite

_ARGUMENT = re.compile(r"<(?:[^:>]*:)?(\w+)>")
SECRET = "Lindenstrasse"
IMAGE = {"id": "1234567890", "mime_type": "image/jpeg", "sha256": "x", "caption": SECRET}


@dataclass(frozen=True)
class Theirs:
    """Ids of what the other number has, and of the agent's own conversation and message."""

    conversation: str
    message: str
    wamid: str
    media: str
    own_conversation: str
    own_message: str


@pytest.fixture
def theirs(gateway: Gateway, post_webhook: PostWebhook, process_all: Callable[[], None]) -> Theirs:
    picture = text(id="wamid.THEIRS") | {"type": "image", "image": IMAGE}
    post_webhook(message_body(picture, contacts=[contact(name=SECRET)], number=PNID))
    own = text("ours", id="wamid.OWN", sender=BO)
    post_webhook(message_body(own, contacts=[contact(BO, "Bo")], number=OTHER_PNID))
    process_all()
    with gateway.database.read() as session:
        conversation = {row.phone_number_id: row.id for row in session.scalars(select(Conversation))}
        message = {row.phone_number_id: row.id for row in session.scalars(select(Message))}
        media = session.scalars(select(Media)).one().id
    return Theirs(
        conversation[PNID], message[PNID], "wamid.THEIRS", media, conversation[OTHER_PNID], message[OTHER_PNID]
    )


@pytest.fixture
def agent(app: Flask) -> Browser:
    return sign_in(app, "Eve", "agent", [OTHER_PNID])


def value_of(known: dict[str, str], argument: re.Match[str]) -> str:
    return known.get(argument[1], "retry")


def rows(gateway: Gateway) -> dict[str, list[str]]:
    """All rows of the tables that messages and the team's acts are in."""
    with gateway.database.read() as session:
        tables = [each for each in Base.metadata.sorted_tables if each.name not in ("person_sessions", "settings_seen")]
        return {each.name: sorted(map(repr, session.execute(select(each)).all())) for each in tables}


def test_no_page_tells_anything_of_another_number_nor_changes_it(
    app: Flask, gateway: Gateway, agent: Browser, theirs: Theirs
) -> None:
    before, tried = rows(gateway), 0
    form = {
        "text": "x", "to": "human", "assignee": "", "take": "1", "name": "hello", "language": "en", "emoji": "x",
        "message": theirs.message, "act": "cancel", "make": "1", "seen": theirs.message, "typing": "1",
        "reply_to": theirs.message,
    }  # fmt: skip
    for rule in app.url_map.iter_rules():
        access = app.extensions[ACCESS].get(rule.endpoint.partition(".")[0])
        if access != "person:agent" or not rule.arguments:
            continue
        for message_id in (theirs.message, theirs.wamid):
            for media_id in (theirs.media, IMAGE["id"]):
                known = {"conversation_id": theirs.conversation, "message_id": message_id, "media_id": media_id}
                path = re.sub(_ARGUMENT, partial(value_of, known), rule.rule)
                for method in (rule.methods or set()) - {"OPTIONS"}:
                    answer = agent.open(path, method, data=form if method == "POST" else None)
                    gone = method == "POST" and rule.endpoint == "inbox_live.presence"
                    assert answer.status_code == 404 or gone, (method, path, answer.status_code)
                    assert SECRET not in answer.text and ANA not in answer.text, path
                    tried += 1
    assert tried > 40
    assert rows(gateway) == before


@pytest.mark.parametrize(
    "path",
    ["/inbox", "/inbox/rows", f"/inbox?q={SECRET}", f"/inbox?q={ANA}", f"/inbox?number={PNID}", "/inbox?show=unread",
     "/inbox?show=unassigned", "/inbox/messages", f"/inbox/messages?find={SECRET}", f"/inbox/messages?find=%2B{ANA}",
     f"/inbox/messages?number={PNID}", "/inbox/messages?find=wamid.THEIRS", "/inbox/live", "/inbox/live?after=0-0"],
)  # fmt: skip
def test_no_list_search_or_news_holds_anything_of_another_number(agent: Browser, theirs: Theirs, path: str) -> None:
    for headers in ({}, {"Accept": "application/json"}):
        answer = agent.get(path, headers=headers, follow_redirects=True)
        told = answer.text.replace(path.partition("?")[2].partition("=")[2], "")
        for secret in (theirs.conversation, theirs.message, theirs.media, SECRET, PNID):
            asked = secret in path  # what was asked for stands in the box
            assert asked or secret not in told, (path, secret)


def test_a_form_of_ones_own_conversation_reaches_nothing_of_another(
    gateway: Gateway, agent: Browser, theirs: Theirs
) -> None:
    before, own = rows(gateway), f"/inbox/{theirs.own_conversation}"
    tried = [
        agent.post(f"{own}/react", data={"message": theirs.message, "emoji": "x"}),
        agent.post(f"{own}/send", data={"text": "x", "reply_to": theirs.message}),
        agent.post(f"{own}/send", data={"text": "x", "reply_to": theirs.wamid}),
        agent.post(f"{own}/send", data={"text": "x", "seen": theirs.message}),
        agent.post(f"{own}/messages/{theirs.message}/decide", data={"act": "cancel"}),
        agent.get(f"{own}?around={theirs.message}"),
        agent.get(f"{own}/messages?before={theirs.message}"),
        agent.get(f"{own}/message/{theirs.message}"),
        agent.get(f"{own}?reply={theirs.message}"),
    ]

    assert [each.status_code for each in tried[:-1]] == [404, 422, 422, 422, 404, 404, 404, 404]
    assert not any(SECRET in each.text for each in tried)
    assert rows(gateway) == before


def test_nobody_is_given_a_conversation_that_they_may_not_see(
    app: Flask, gateway: Gateway, agent: Browser, theirs: Theirs
) -> None:
    eve = gateway.people.named("Eve").id
    boss = sign_in(app, "Boss", "admin")

    refused = boss.post(f"/inbox/{theirs.conversation}/assign", data={"assignee": eve})

    assert refused.status_code == 422
    assert gateway.conversations.one(theirs.conversation, None).assignee is None
