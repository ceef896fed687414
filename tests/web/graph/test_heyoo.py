"""heyoo, a client many small bots are written with, must not notice that this is not Meta."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from heyoo import WhatsApp

from simulator.testing import MetaStandIn
from tests.factories import ANA, PNID
from tests.web.graph.conftest import Seen


@pytest.fixture
def bot(served: str, key: str, seen: Seen) -> Iterator[WhatsApp]:
    bot = WhatsApp(key, PNID)
    bot.base_url = bot.v15_base_url = f"{served}/graph/v14.0"
    bot.url = f"{bot.base_url}/{PNID}/messages"
    yield bot
    assert not seen.holds(key), "the caller's key went to Meta"


def test_it_sends_what_it_can(bot: WhatsApp, meta: MetaStandIn) -> None:
    menu = {"button": "Open", "sections": [{"title": "Sizes", "rows": [{"id": "s", "title": "Small"}]}]}
    reply = {"body": {"text": "Sure?"}, "type": "button",
             "action": {"buttons": [{"type": "reply", "reply": {"id": "y", "title": "Yes"}}]}}  # fmt: skip
    answers = [
        bot.send_message("Hola", ANA),
        bot.send_image("https://example.com/a.jpg", ANA, caption="look"),
        bot.send_document("https://example.com/a.pdf", ANA, caption="bill"),
        bot.send_location("-34.6", "-58.4", "Shop", "Main St 1", ANA),
        bot.send_button({"header": "Menu", "body": "Pick", "footer": "f", "action": menu}, ANA),
        bot.send_reply_button({"type": "interactive", **{k: v for k, v in reply.items()}}, ANA),
    ]

    sent = [message.id for message in meta.accepted]
    assert [answer["messages"][0]["id"] for answer in answers[:5]] == sent[:5]
    assert answers[0]["contacts"] == [{"input": ANA, "wa_id": ANA}]
    assert meta.accepted[0].body["text"] == {"preview_url": True, "body": "Hola"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # heyoo leaves the file open
def test_a_file_goes_up_is_sent_comes_down_and_goes_away(bot: WhatsApp, meta: MetaStandIn, tmp_path: Path) -> None:
    (tmp_path / "bill.pdf").write_bytes(b"%PDF-1.4 " + bytes(range(256)) * 4000)

    uploaded = bot.upload_media(str(tmp_path / "bill.pdf"))
    sent = bot.send_document(uploaded["id"], ANA, link=False)
    url = bot.query_media_url(uploaded["id"])
    saved = bot.download_media(url, "application/pdf", str(tmp_path / "again"))

    assert meta.accepted[0].id == sent["messages"][0]["id"]
    assert url.startswith(bot.base_url.removesuffix("/v14.0"))
    assert Path(saved).read_bytes() == (tmp_path / "bill.pdf").read_bytes()
    assert bot.delete_media(uploaded["id"]) == {"success": True}
    assert bot.query_media_url(uploaded["id"]) is None


def test_it_marks_as_read_what_this_gateway_never_saw(bot: WhatsApp, meta: MetaStandIn) -> None:
    written = meta.write("Hola")

    assert bot.mark_as_read(written.id) == {"success": True}


def test_a_refusal_is_graphs_error(bot: WhatsApp, meta: MetaStandIn) -> None:
    answer = bot.send_message("x" * 5000, ANA)

    assert answer["error"]["code"] == 131009
    assert "text.body" in answer["error"]["error_data"]["details"]
    assert meta.accepted == []
