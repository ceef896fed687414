"""The admins' pages of people and keys."""

from __future__ import annotations

import re

from flask import Flask

from app.container import Gateway
from tests.conftest import on_sqlite
from tests.factories import OTHER_PNID, PNID
from tests.people import Browser, add, sign_in

pytestmark = on_sqlite


def test_an_admin_adds_somebody_who_signs_in_by_the_link_that_is_shown_once(app: Flask, gateway: Gateway) -> None:
    admin = sign_in(app, "Boss", "admin")
    admin.get("/inbox/people")

    made = admin.post("/inbox/people", data={"name": "Luz <b>", "role": "agent", "number": [PNID]})

    assert made.status_code == 200
    assert "Luz &lt;b&gt;" in made.text and "<b>" not in made.text.split("<main")[1]
    found = re.search(r'value="http://localhost/inbox/sign-in/([\w-]{43})"', made.text)
    assert found is not None
    assert found[1] not in admin.get("/inbox/people").text
    assert Browser(app).enter(found[1]).status_code == 303
    assert gateway.people.named("luz <b>").numbers == {PNID}


def test_what_cannot_be_added_is_said_and_what_was_typed_stays(app: Flask) -> None:
    admin = sign_in(app, "Boss", "admin")
    admin.get("/inbox/people")

    refused = admin.post("/inbox/people", data={"name": "boss", "role": "agent"})

    assert refused.status_code == 422
    assert "This name is taken" in refused.text and 'value="boss"' in refused.text


def test_saving_somebody_whose_only_number_was_removed_does_not_give_them_all(app: Flask, gateway: Gateway) -> None:
    admin, her = sign_in(app, "Boss", "admin"), add(gateway, "Ana", "agent", ["999"]).id

    page = admin.get("/inbox/people").text

    assert re.search(rf'name="number" value="999" id="n-{her}-999" checked', page)


def test_an_agent_without_numbers_is_refused_in_words_and_all_numbers_is_a_choice(
    app: Flask, gateway: Gateway
) -> None:
    admin, her = sign_in(app, "Boss", "admin"), add(gateway, "Ana", "agent", [PNID]).id
    admin.get("/inbox/people")
    own, nothing = f"/inbox/people/{her}", {"role": "agent", "which": "these"}

    refused, added = admin.post(own, data=nothing), admin.post("/inbox/people", data=nothing | {"name": "Bo"})

    assert (refused.status_code, added.status_code) == (422, 422)
    assert "Choose at least one number" in refused.text and 'value="Bo"' in added.text
    assert re.search(rf'value="these" id="these-{her}" required checked', refused.text)
    assert gateway.people.named("Ana").numbers == {PNID}
    assert [view.person.name for view in gateway.people.all()] == ["Ana", "Boss"]
    admin.post(own, data={"role": "agent", "which": "these", "number": [OTHER_PNID]})
    assert gateway.people.named("Ana").numbers == {OTHER_PNID}
    admin.post(own, data={"role": "agent", "which": "all", "number": [OTHER_PNID]})
    assert gateway.people.named("Ana").numbers is None


def test_an_admin_changes_disables_enables_signs_out_and_removes(app: Flask, gateway: Gateway) -> None:
    admin, ana = sign_in(app, "Boss", "admin"), sign_in(app, "Ana")
    her = gateway.people.named("Ana").id
    admin.get("/inbox/people")

    assert admin.post(f"/inbox/people/{her}", data={"role": "admin", "number": [PNID]}).location == "/inbox/people"
    assert ana.get("/inbox/people").status_code == 200
    admin.post(f"/inbox/people/{her}", data={"role": "agent", "number": [PNID]})
    assert ana.get("/inbox/people").status_code == 403
    assert gateway.people.named("Ana").numbers == {PNID}
    admin.post(f"/inbox/people/{her}/sign-out")
    assert ana.get("/inbox").status_code == 303
    admin.post(f"/inbox/people/{her}/disable")
    assert "no access" in admin.get("/inbox/people").text
    admin.post(f"/inbox/people/{her}/enable")
    assert "A link for Ana" in admin.post(f"/inbox/people/{her}/link").text
    admin.post(f"/inbox/people/{her}/remove")
    assert [view.person.name for view in gateway.people.all()] == ["Boss"]
    assert admin.post(f"/inbox/people/{her}/remove").status_code == 404


def test_nobody_takes_their_own_access_away(app: Flask, gateway: Gateway) -> None:
    admin = sign_in(app, "Boss", "admin")
    own = f"/inbox/people/{gateway.people.named('Boss').id}"
    admin.get("/inbox/people")

    refused = [admin.post(own + act, data={"role": "agent"}).status_code for act in ("", "/disable", "/remove")]

    assert refused == [409, 409, 409]
    assert admin.get("/inbox/people").status_code == 200


def test_a_link_begins_with_the_public_address(app: Flask, gateway: Gateway) -> None:
    object.__setattr__(gateway.config, "public_url", "https://wa.example/desk")
    admin = sign_in(app, "Boss", "admin")
    admin.get("/inbox/people")

    made = admin.post(f"/inbox/people/{add(gateway).id}/link")

    assert 'value="https://wa.example/desk/inbox/sign-in/' in made.text


def test_an_admin_makes_a_key_sees_it_once_and_revokes_it(app: Flask, gateway: Gateway) -> None:
    admin = sign_in(app, "Boss", "admin")
    admin.get("/inbox/keys")

    made = admin.post("/inbox/keys", data={"name": "crm", "scope": ["read"]})

    found = re.search(r'value="(wsk\w{44})"', made.text)
    assert found is not None
    caller = gateway.api_keys.find(found[1])
    assert caller is not None and (caller.name, caller.scopes) == ("crm", {"read"})
    listed = admin.get("/inbox/keys").text
    assert "Revoke crm" in listed and found[1] not in listed
    admin.post("/inbox/keys/crm/revoke")
    assert gateway.api_keys.find(found[1]) is None
    assert "Revoke crm" not in admin.get("/inbox/keys").text


def test_a_key_that_cannot_be_is_refused_in_words(app: Flask) -> None:
    admin = sign_in(app, "Boss", "admin")
    admin.get("/inbox/keys")

    assert "letters, digits, dots" in admin.post("/inbox/keys", data={"name": "a b", "scope": ["read"]}).text
    assert "Choose what the key may do" in admin.post("/inbox/keys", data={"name": "ab"}).text


def test_a_person_chooses_language_and_look(app: Flask) -> None:
    ana = sign_in(app, "Ana", language="pt-BR")
    assert '<html lang="pt" data-bs-theme="light" data-theme="auto"' in ana.get("/inbox/me").text

    ana.post("/inbox/me", data={"language": "es", "theme": "dark"})

    assert '<html lang="es" data-bs-theme="dark" data-theme="dark"' in ana.get("/inbox/me").text
    ana.post("/inbox/me", data={"language": "", "theme": "pink"})
    assert '<html lang="pt" data-bs-theme="light" data-theme="auto"' in ana.get("/inbox/me").text


def test_a_person_signs_out_everywhere(app: Flask, gateway: Gateway) -> None:
    here = sign_in(app, "Ana")
    there = Browser(app)
    there.enter(gateway.people.make_link(gateway.people.named("Ana").id))
    here.get("/inbox/me")

    here.post("/inbox/me/sign-out-everywhere")

    assert here.get("/inbox").status_code == there.get("/inbox").status_code == 303
