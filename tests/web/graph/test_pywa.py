"""pywa, whose answers are typed, must not notice either."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from pywa import WhatsApp, types
from pywa.errors import WhatsAppError

from app.clock import utc_now
from app.container import Gateway
from app.services.numbers.save import save_number
from simulator.testing import MetaStandIn
from tests.factories import ANA, OTHER_PNID, OTHER_WABA, PNID, WABA
from tests.web.graph.conftest import Seen


def client(served: str, key: str, session: httpx.Client, number: str = PNID, waba: str = WABA) -> WhatsApp:
    bot = WhatsApp(number, key, session=session, waba_id=waba)
    bot.api._session.base_url = f"{served}/graph/v25.0"
    return bot


@pytest.fixture
def bot(served: str, key: str, seen: Seen) -> Iterator[WhatsApp]:
    with httpx.Client() as session:
        yield client(served, key, session)
    assert not seen.holds(key), "the caller's key went to Meta"


@pytest.fixture
def admin(served: str, gateway: Gateway, seen: Seen) -> Iterator[WhatsApp]:
    """The same with a key that may do everything."""
    key = gateway.api_keys.make("owner", ["admin"], None)
    with httpx.Client() as session:
        yield client(served, key, session)
    assert not seen.holds(key), "the caller's key went to Meta"


def test_it_sends_text_buttons_and_lists(bot: WhatsApp, meta: MetaStandIn) -> None:
    rows = [types.SectionRow("s", "Small", "10 cm")]
    sent = [
        bot.send_message(ANA, "Hola", preview_url=True, tracker="order-7"),
        bot.send_message(f"+{ANA}", "Sure?", buttons=[types.Button("Yes", callback_data="yes")]),
        bot.send_message(ANA, "Pick", buttons=types.SectionList("Open", [types.Section("Sizes", rows)])),
        bot.send_message(ANA, "Look", buttons=types.URLButton("Open", "https://example.com")),
        bot.send_location(ANA, -34.6, -58.4, "Shop", "Main St 1"),
    ]

    assert [message.id for message in meta.accepted] == [each.id for each in sent]
    assert {each.chat.id for each in sent} == {ANA}
    assert [message.body["type"] for message in meta.accepted] == ["text", *["interactive"] * 3, "location"]


def test_a_template_is_sent(bot: WhatsApp, meta: MetaStandIn) -> None:
    sent = bot.send_template(ANA, "hello_world", types.templates.TemplateLanguage.ENGLISH_US, params=[])

    assert meta.accepted[0].id == sent.id
    assert sent.status.value == "accepted"


def test_reactions_and_answers_name_their_message(bot: WhatsApp, meta: MetaStandIn) -> None:
    written = meta.write("Hola")

    bot.send_message(ANA, "Buenas", reply_to_message_id=written.id)
    bot.send_reaction(ANA, "👍", written.id)

    assert meta.accepted[0].body["context"] == {"message_id": written.id}
    assert meta.accepted[1].body["reaction"] == {"message_id": written.id, "emoji": "👍"}


def test_it_marks_as_read_and_shows_typing(bot: WhatsApp, meta: MetaStandIn) -> None:
    written = meta.write("Hola")

    assert bot.mark_message_as_read(written.id)
    assert bot.indicate_typing(written.id)


def test_it_uploads_sends_and_fetches_files(bot: WhatsApp, meta: MetaStandIn, served: str) -> None:
    media = bot.upload_media(b"%PDF-1.4", mime_type="application/pdf", filename='bill "ñ".pdf')
    bot.send_document(ANA, media.id, filename="bill.pdf")

    url = bot.get_media_url(media.id)

    assert url.url.startswith(f"{served}/graph/")
    assert (url.mime_type, url.file_size) == ("application/pdf", 8)
    assert bot.get_media_bytes(url.url) == b"%PDF-1.4"
    assert meta.accepted[0].body["document"]["id"] == media.id
    assert bot.delete_media(media.id)


def test_a_file_sent_by_its_bytes_is_uploaded_on_the_way(bot: WhatsApp, meta: MetaStandIn) -> None:
    sent = bot.send_image(ANA, b"\xff\xd8\xff\xe0", mime_type="image/jpeg", caption="look")

    assert [message.id for message in meta.accepted] == [sent.id]


def test_refusals_are_the_errors_it_knows(bot: WhatsApp, meta: MetaStandIn) -> None:
    with pytest.raises(WhatsAppError) as ours:
        bot.send_message(ANA, "x" * 5000)
    with pytest.raises(WhatsAppError) as metas:
        bot.send_template(ANA, "no_such", types.templates.TemplateLanguage.SPANISH, params=[])

    assert (ours.value.code, ours.value.status_code) == (131009, 400)
    assert (metas.value.code, metas.value.status_code) == (132001, 404)
    assert meta.accepted == []


def test_templates_are_listed_made_edited_and_deleted(admin: WhatsApp, bot: WhatsApp, meta: MetaStandIn) -> None:
    body = types.templates.BodyText("Your order is ready.")
    template = types.templates.Template(
        name="order_up",
        language=types.templates.TemplateLanguage.ENGLISH_US,
        category=types.templates.TemplateCategory.UTILITY,
        components=[body],
    )
    with pytest.raises(WhatsAppError):
        bot.create_template(template)

    made = admin.create_template(template)

    assert "order_up" in {each.name for each in bot.get_templates()}
    assert admin.get_template(made.id).name == "order_up"
    assert admin.delete_template("order_up")


def test_numbers_profiles_and_blocked_users_are_read(bot: WhatsApp, meta: MetaStandIn) -> None:
    meta.write("Hola")

    assert bot.get_business_phone_number().id == PNID
    assert [number.id for number in bot.get_business_phone_numbers()] == [PNID]
    assert bot.get_business_profile() is not None
    assert bot.block_users([ANA]).errors is None
    assert bot.unblock_users([ANA])


def test_a_number_that_is_not_the_keys_does_not_exist(
    served: str, gateway: Gateway, meta: MetaStandIn, seen: Seen
) -> None:
    save_number(gateway.database, gateway.encryptor, utc_now(), phone_number_id=OTHER_PNID, display_phone_number=None,
                waba_id=OTHER_WABA, app_id=None, access_token=None, app_secrets=[])  # fmt: skip
    gateway.directory.refresh()
    key = gateway.api_keys.make("bounded", ["send", "read"], [PNID])
    with httpx.Client() as session:
        stranger = client(served, key, session, OTHER_PNID, OTHER_WABA)
        for act in (lambda: stranger.send_message(ANA, "Hola"), stranger.get_business_phone_number,
                    stranger.get_business_account, lambda: list(stranger.get_templates())):  # fmt: skip
            with pytest.raises(WhatsAppError) as refusal:
                act()
            assert (refusal.value.code, refusal.value.status_code) == (100, 400)

    assert seen.everything == []
