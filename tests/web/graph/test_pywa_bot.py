"""A bot written with pywa for Meta, moved behind the gateway: it checks our signature, and answers through us."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from flask import Flask
from pywa import WhatsApp, types
from werkzeug.serving import make_server

from app.container import Gateway
from simulator.testing import MetaStandIn
from tests.factories import ANA, BO, PNID, WABA, contact, message_body, status, status_body, text
from tests.jobs.conftest import Harness, harness

__all__ = ["harness"]

SECRET = "the-bots-own-secret-0123456789"
Receive = Callable[..., None]


class Bot:
    """What its author wrote, but for two lines: the address of Graph, and the token."""

    def __init__(self, served: str, key: str, session: httpx.Client) -> None:
        self.server = Flask("bot")
        self.whatsapp = WhatsApp(
            PNID, key, session=session, waba_id=WABA, server=self.server, webhook_endpoint="/webhook",
            verify_token="verify", app_secret=SECRET, validate_updates=True,
        )  # fmt: skip
        self.whatsapp.api._session.base_url = f"{served}/graph/v26.0"
        self.heard: queue.Queue[Any] = queue.Queue()
        self.whatsapp.on_message(self._answer)
        self.whatsapp.on_message_status(lambda _, report: self.heard.put(report))

    def _answer(self, _: WhatsApp, message: types.Message) -> None:
        self.heard.put(message)
        message.reply_text(f"{message.from_user.name}, you said {message.text}", tracker="order-7")


@pytest.fixture
def bot(served: str, key: str) -> Iterator[Bot]:
    with httpx.Client() as session:
        yield Bot(served, key, session)


@pytest.fixture
def bot_url(bot: Bot) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, bot.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhook"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("ordered", [True, False])
def test_it_hears_who_wrote_answers_and_hears_of_its_own_reference(
    harness: Harness, bot: Bot, bot_url: str, receive: Receive, meta: MetaStandIn, gateway: Gateway, ordered: bool
) -> None:
    """Two wrote within one POST of Meta's, of which pywa reads the first message alone."""
    harness.endpoint(bot_url, format="meta", ordered=ordered, secret=gateway.encryptor.encrypt(SECRET))
    ana, bo = (meta.simulator.world.customers.meet(number).user_id for number in (ANA, BO))
    people = [contact(user_id=ana), contact(BO, "Bo", user_id=bo)]
    now = int(harness.clock().timestamp())
    receive(message_body(text("Hola", timestamp=now), text("Buenas", sender=BO, timestamp=now), contacts=people))
    harness.rounds()

    answers = {answer.body["recipient"]: answer for answer in meta.accepted}
    assert {to: answer.body["text"]["body"] for to, answer in answers.items()} == {
        ana: "Ana, you said Hola", bo: "Bo, you said Buenas",
    }  # fmt: skip
    heard = {bot.heard.get_nowait().from_user.wa_id for _ in range(2)}
    assert heard == {ANA, BO}
    tag = answers[ana].body["biz_opaque_callback_data"]
    assert tag != "order-7"
    receive(status_body(status(answers[ana].id, "delivered", biz_opaque_callback_data=tag), contacts=people[:1]))
    harness.rounds()

    report = bot.heard.get_nowait()
    assert (report.id, report.status, report.tracker) == (
        answers[ana].id, types.MessageStatusType.DELIVERED, "order-7",
    )  # fmt: skip
    assert set(harness.states()) == {"delivered"}


def test_it_refuses_what_is_signed_with_another_secret(
    harness: Harness, bot: Bot, bot_url: str, receive: Receive, gateway: Gateway
) -> None:
    harness.endpoint(bot_url, format="meta", secret=gateway.encryptor.encrypt("not-" + SECRET))
    receive(message_body(text("Hola"), contacts=[contact(user_id="AR.44")]))
    harness.rounds()

    assert bot.heard.empty()
    assert harness.states() == ["pending"]
