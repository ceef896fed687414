"""A client library that many bots are written with must not notice that this is not Meta."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from flask import Flask
from pywa import WhatsApp, types
from pywa.errors import InvalidParameter
from werkzeug.serving import make_server

from simulator.settings import MetaApp, SimulatorSettings
from simulator.testing import QUICK, MetaStandIn, make_meta
from tests.simulator.conftest import ANA, NUMBER

__all__ = ["make_meta"]
# pywa reads the first change of a webhook alone, so what is to be heard must not be so quick as to come together.
UNHURRIED = replace(QUICK, sent_after=0.05, delivered_after=0.35, read_after=0.65)
SECRET = "the-bots-app-secret"


class Bot:
    """A bot as its author would write it: pywa on Flask. It keeps what its handlers are given."""

    def __init__(self, session: httpx.Client) -> None:
        self.server = Flask("bot")
        self.whatsapp = WhatsApp(
            NUMBER, "EAAsimulated", session=session, server=self.server, webhook_endpoint="/webhook",
            verify_token="verify", app_secret=SECRET,
        )  # fmt: skip
        self.heard: queue.Queue[Any] = queue.Queue()
        self.whatsapp.on_message(lambda _, message: self.heard.put(message))
        self.whatsapp.on_message_status(lambda _, status: self.heard.put(status))
        self.whatsapp.on_callback_button(lambda _, button: self.heard.put(button))

    def next(self, kind: type) -> Any:
        """The next update of a kind."""
        while not isinstance(update := self.heard.get(timeout=10), kind):
            pass
        return update


@pytest.fixture
def bot() -> Iterator[Bot]:
    with httpx.Client() as session:
        yield Bot(session)


@pytest.fixture
def webhook_url(bot: Bot) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, bot.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhook"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def meta(bot: Bot, webhook_url: str, make_meta: Callable[[SimulatorSettings], MetaStandIn]) -> MetaStandIn:
    app = MetaApp(app_secret=SECRET, verify_token="verify", webhook_url=webhook_url)
    meta = make_meta(SimulatorSettings(port=0, pace=UNHURRIED, seed=1, apps=(app,)))
    bot.whatsapp.api._session.base_url = f"{meta.url}/v26.0"
    return meta


def test_it_hears_what_a_customer_writes(bot: Bot, meta: MetaStandIn) -> None:
    written = meta.write("Hola, necesito ayuda")

    message = bot.next(types.Message)
    assert (message.id, message.text, message.from_user.wa_id) == (written.id, "Hola, necesito ayuda", ANA)
    assert message.from_user.name == "Ana"


def test_it_answers_and_hears_how_the_answer_fares(bot: Bot, meta: MetaStandIn) -> None:
    meta.write("Hola")

    sent = bot.next(types.Message).reply_text("Buenas")

    (answer,) = meta.wait_for_answers()
    assert (answer.id, answer.content["body"]) == (sent.id, "Buenas")
    heard = [bot.next(types.MessageStatus) for _ in range(2)]
    assert {status.id for status in heard} == {sent.id}
    assert len({status.status for status in heard} - {types.MessageStatusType.FAILED}) == 2


def test_its_buttons_come_back_with_what_it_put_into_them(bot: Bot, meta: MetaStandIn) -> None:
    meta.write("Hola")
    bot.next(types.Message)
    sent = bot.whatsapp.send_message(ANA, "Really?", buttons=[types.Button("Yes", callback_data="yes-7")])

    reply = {"type": "button_reply", "button_reply": {"id": "yes-7", "title": "Yes"}}
    meta.write_as(ANA, "interactive", reply, sent.id)

    button = bot.next(types.CallbackButton)
    assert (button.data, button.title) == ("yes-7", "Yes")


def test_it_uploads_and_fetches_files(bot: Bot, meta: MetaStandIn) -> None:
    media = bot.whatsapp.upload_media(b"%PDF-1.4", mime_type="application/pdf", filename="bill.pdf")

    url = bot.whatsapp.get_media_url(media.id)

    assert url.mime_type == "application/pdf"
    assert bot.whatsapp.get_media_bytes(url.url) == b"%PDF-1.4"


def test_refusals_are_the_errors_it_knows(bot: Bot, meta: MetaStandIn) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        bot.whatsapp.send_message(ANA, "x" * 5000)

    assert refusal.value.code == 131009
    assert meta.accepted == []


def test_what_another_app_signed_does_not_reach_it(bot: Bot, meta: MetaStandIn) -> None:
    forged = {"object": "whatsapp_business_account", "entry": []}

    answer = bot.server.test_client().post("/webhook", json=forged, headers={"X-Hub-Signature-256": "sha256=00"})

    assert answer.status_code == 403
