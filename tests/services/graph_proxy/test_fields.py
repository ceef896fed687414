"""Which `fields` of Graph's are handed on."""

from __future__ import annotations

import pytest

from app.errors import Forbidden, Invalid
from app.services.graph_proxy.fields import Field, read_fields


@pytest.mark.parametrize(
    "text",
    ["", "id", "id,name", " id , name ", "phone_numbers{id,display_phone_number},name",
     "message_templates.limit(5){name},id", "preview.invalidate(false)", "health_status.phone_number(12)",
     "id,message_id,events{delivery_status,timestamp,webhook_update_state,error_description}"],
)  # fmt: skip
def test_names_and_what_is_on_the_list_inside_them(text: str) -> None:
    read_fields(text)


def test_a_field_knows_what_it_stands_in() -> None:
    assert read_fields("a,phone_numbers{id},b") == [
        Field("a", ""), Field("phone_numbers", ""), Field("id", "phone_numbers"), Field("b", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["access_token", "owner{id}", "phone_numbers{access_token}", "phone_numbers{owner_business_info{id}}", "id{id}",
     "message_templates.as(x)", "owner_business_info{id,owned_whatsapp_business_accounts}", "subscribed_apps{id}"],
)  # fmt: skip
def test_what_leads_elsewhere_is_forbidden(text: str) -> None:
    with pytest.raises(Forbidden):
        read_fields(text)


@pytest.mark.parametrize(
    "text", ["{id}", "a{", "a}", "a,{b}", "a b", "a{b}c", "a.limit(", "Ä", "a" * 4001, "a,b}}{", "\n(x"]
)
def test_what_cannot_be_read_is_invalid(text: str) -> None:
    with pytest.raises((Invalid, Forbidden)):
        read_fields(text)
