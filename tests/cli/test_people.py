"""The commands of people."""

from __future__ import annotations

import re

from app.container import Gateway
from app.services.audit_log import list_entries
from app.start.master import INVITATION
from app.store.audit_log import AuditFilter
from tests.cli.conftest import Run
from tests.conftest import on_sqlite
from tests.factories import PNID

pytestmark = on_sqlite

LINK = re.compile(r"http://127\.0\.0\.1:8000/inbox/sign-in/([\w-]{43})\n")


def test_a_person_is_added_with_a_link_that_signs_them_in(run: Run, gateway: Gateway) -> None:
    added = run("people", "add", "ANA", "--role", "agent", "--numbers", f"{PNID},123456")

    found = LINK.fullmatch(added.output)
    assert found is not None, added.output
    entered = gateway.sign_in.enter(found[1])
    assert entered is not None
    assert (entered.person.name, entered.person.role, entered.person.numbers) == ("ANA", "agent", {PNID, "123456"})
    assert run("people", "list").output.startswith(f"ANA\tagent\t123456, {PNID}\tin use\t1\t20")


def test_links_are_made_and_taken_back(run: Run, gateway: Gateway) -> None:
    run("people", "add", "Ana")
    token = LINK.fullmatch(run("people", "link", "ana").output)
    assert token is not None

    assert run("people", "link", "Ana", "--revoke").output == "2 taken back.\n"

    assert gateway.sign_in.enter(token[1]) is None
    assert run("people", "link", "Bo").output == "Error: There is no person of that name; `people list` shows all.\n"


def test_access_is_changed_taken_away_given_back_and_removed(run: Run, gateway: Gateway) -> None:
    token = LINK.fullmatch(run("people", "add", "Ana").output)
    assert token is not None and gateway.sign_in.enter(token[1])

    assert run("people", "sign-out", "Ana").output == "1 sessions ended.\n"
    assert run("people", "change", "Ana", "--role", "admin").exit_code == 0
    assert gateway.people.named("Ana").role == "admin"
    assert run("people", "disable", "Ana").exit_code == 0
    assert "\tdisabled\t" in run("people", "list").output
    assert "no access" in run("people", "link", "Ana").output
    assert run("people", "enable", "Ana").exit_code == 0
    assert run("people", "remove", "Ana").exit_code == 0
    assert run("people", "list").output == "Nobody was added; `people add NAME --role admin` adds the first.\n"


def test_what_is_no_person_is_refused_in_words(run: Run) -> None:
    result = run("people", "add", "Ana", "--role", "boss")

    assert (result.exit_code, "role: must be one of agent, admin" in result.output) == (1, True)


def test_every_act_stands_in_the_audit_log_and_no_link_does(run: Run, gateway: Gateway) -> None:
    token = LINK.fullmatch(run("people", "add", "Ana").output)
    assert token is not None
    entered = gateway.sign_in.enter(token[1])
    assert entered is not None
    run("people", "disable", "Ana")

    entries = list_entries(gateway.database, AuditFilter(), limit=10, before=None)

    her = f"person:{entered.person.id}"
    assert [(each.actor, each.act, each.subject) for each in reversed(entries)] == [
        ("cli", "person.added", her),
        ("cli", "person.link_made", her),
        (her, "person.signed_in", her),
        ("cli", "person.disabled", her),
    ]
    assert not any(token[1] in each.details for each in entries)


def test_the_start_of_a_server_invites_the_first_admin(run: Run, gateway: Gateway) -> None:
    invited = run("migrate", "--invite").output

    assert invited.startswith(INVITATION)
    token = LINK.fullmatch(invited.removeprefix(INVITATION))
    entered = token and gateway.sign_in.enter(token[1])
    assert entered and (entered.person.name, entered.person.role) == ("admin", "admin")
    assert run("migrate").output == ""
