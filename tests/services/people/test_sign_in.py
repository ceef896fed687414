"""Links and sessions: each works as long as it should, and only once or for one person."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.db.database import Database
from app.errors import Invalid, NotFound
from app.models import PersonSession, SignInLink, StoredPerson
from app.services.people import LinkState, ManagePeople, SignIn
from app.services.people.sign_in import SignedIn
from tests.conftest import Clock, on_sqlite

IDLE, LIFETIME = timedelta(hours=72), timedelta(days=30)


@pytest.fixture
def people(database: Database, clock: Clock) -> ManagePeople:
    return ManagePeople(database, clock, IDLE)


@pytest.fixture
def door(database: Database, clock: Clock) -> SignIn:
    return SignIn(database, clock, idle=IDLE, lifetime=LIFETIME)


Enter = Callable[[], SignedIn]


@pytest.fixture
def enter(people: ManagePeople, door: SignIn) -> Enter:
    ana = people.add("Ana", "agent")

    def enter_() -> SignedIn:
        found = door.enter(people.make_link(ana.id))
        assert found is not None
        return found

    return enter_


def test_a_link_signs_in_once(people: ManagePeople, door: SignIn) -> None:
    ana = people.add("Ana", "agent", ["111"])
    token = people.make_link(ana.id)
    assert door.look(token) == (LinkState.usable, "Ana")

    entered = door.enter(token)

    assert entered is not None
    assert door.who(entered.cookie) == entered.person == ana
    assert door.enter(token) is None
    assert door.look(token) == (LinkState.used, "")


def test_of_many_who_use_one_link_at_once_one_gets_in(people: ManagePeople, door: SignIn, database: Database) -> None:
    token = people.make_link(people.add("Ana", "agent").id)

    with ThreadPoolExecutor(8) as threads:
        entered = [each for each in threads.map(door.enter, [token] * 24) if each]

    assert len(entered) == 1
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(PersonSession)) == 1


@pytest.mark.parametrize(("minutes", "state"), [(59, LinkState.usable), (61, LinkState.expired)])
@on_sqlite
def test_a_link_works_for_an_hour(
    people: ManagePeople, door: SignIn, clock: Clock, minutes: int, state: LinkState
) -> None:
    token = people.make_link(people.add("Ana", "agent").id)

    clock.pass_by(minutes=minutes)

    assert door.look(token)[0] is state
    assert (door.enter(token) is not None) == (state is LinkState.usable)


@on_sqlite
def test_neither_links_nor_cookies_can_be_read_from_the_database(
    people: ManagePeople, door: SignIn, database: Database
) -> None:
    token = people.make_link(people.add("Ana", "agent").id)
    entered = door.enter(token)

    assert entered is not None
    with database.read() as session:
        stored = [*session.scalars(select(SignInLink.hash)), *session.scalars(select(PersonSession.hash))]
    assert len(stored) == 2
    assert not {token, entered.cookie} & set(stored)
    assert all(door.who(each) is None and door.enter(each) is None for each in stored)


@pytest.mark.parametrize("guess", ["", "x", "x" * 43, "ñ", "' OR 1=1 --"])
@on_sqlite
def test_a_guess_is_no_entry(people: ManagePeople, door: SignIn, guess: str) -> None:
    people.make_link(people.add("Ana", "agent").id)

    assert door.enter(guess) is None
    assert door.look(guess) == (LinkState.unknown, "")
    assert door.who(guess) is None


@on_sqlite
def test_a_session_that_is_used_lasts_and_an_idle_one_ends(enter: Enter, door: SignIn, clock: Clock) -> None:
    used, idle = enter(), enter()

    for _ in range(4):
        clock.pass_by(hours=71)
        assert door.who(used.cookie)

    assert door.who(idle.cookie) is None


@on_sqlite
def test_what_a_page_asks_by_itself_does_not_make_a_session_last(enter: Enter, door: SignIn, clock: Clock) -> None:
    entered = enter()
    clock.pass_by(hours=71)
    assert door.who(entered.cookie, is_use=False)

    clock.pass_by(hours=2)

    assert door.who(entered.cookie) is None


@on_sqlite
def test_no_session_outlives_its_lifetime(enter: Enter, door: SignIn, clock: Clock) -> None:
    entered = enter()
    for _ in range(30):
        assert door.who(entered.cookie)
        clock.pass_by(days=1)

    assert door.who(entered.cookie) is None


@on_sqlite
def test_signing_out_ends_one_session_and_everywhere_all(enter: Enter, door: SignIn, people: ManagePeople) -> None:
    one, two, three = enter(), enter(), enter()

    door.leave(one.cookie)
    assert [door.who(each.cookie) is None for each in (one, two, three)] == [True, False, False]

    assert people.sign_out(one.person.id) == 2
    assert door.who(two.cookie) is door.who(three.cookie) is None


@on_sqlite
def test_who_loses_access_is_out_at_once_and_their_links_are_nothing(
    enter: Enter, door: SignIn, people: ManagePeople
) -> None:
    entered = enter()
    link = people.make_link(entered.person.id)

    people.disable(entered.person.id)

    assert door.who(entered.cookie) is None
    assert door.enter(link) is None
    assert door.named("Ana") is None
    with pytest.raises(Invalid, match="no access"):
        people.make_link(entered.person.id)
    people.enable(entered.person.id)
    assert door.enter(people.make_link(entered.person.id))
    assert door.who(entered.cookie) is None


@on_sqlite
def test_access_that_is_given_back_brings_no_session_back(
    enter: Enter, door: SignIn, people: ManagePeople, database: Database
) -> None:
    """On PostgreSQL a session may begin in the very moment in which the others are ended."""
    entered = enter()
    with database.write() as session:
        session.execute(update(StoredPerson).values(disabled_at=entered.expires_at))
    assert door.who(entered.cookie) is None

    people.enable(entered.person.id)

    assert door.who(entered.cookie) is None


def test_a_revoked_link_is_nothing(people: ManagePeople, door: SignIn) -> None:
    ana = people.add("Ana", "agent")
    token = people.make_link(ana.id)
    assert len(people.open_links(ana.id)) == 1

    assert people.revoke_links(ana.id) == 1

    assert door.enter(token) is None
    assert door.look(token) == (LinkState.unknown, "")


def test_a_removed_person_takes_sessions_and_links_along(enter: Enter, door: SignIn, people: ManagePeople) -> None:
    entered = enter()
    link = people.make_link(entered.person.id)

    people.remove(entered.person.id)

    assert door.who(entered.cookie) is None
    assert door.look(link) == (LinkState.unknown, "")
    with pytest.raises(NotFound):
        people.remove(entered.person.id)


@on_sqlite
def test_a_change_of_role_and_numbers_counts_from_the_next_request_on(
    enter: Enter, door: SignIn, people: ManagePeople
) -> None:
    entered = enter()

    people.change(entered.person.id, role="agent", numbers=["2", "1", "2"])
    who = door.who(entered.cookie)
    assert who is not None and who.numbers == {"1", "2"} and not who.sees("3")

    people.change(entered.person.id, role="admin", numbers=None)
    who = door.who(entered.cookie)
    assert who is not None and who.may("admin") and who.sees("3")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 81, "a\x00"])
@on_sqlite
def test_what_is_no_name_is_refused(people: ManagePeople, name: str) -> None:
    with pytest.raises(Invalid):
        people.add(name, "agent")


@pytest.mark.parametrize(("role", "numbers"), [("boss", None), ("", None), ("admin", ["1"])])
@on_sqlite
def test_what_is_no_role_is_refused(people: ManagePeople, role: str, numbers: list[str] | None) -> None:
    with pytest.raises(Invalid):
        people.add("Ana", role, numbers)


@on_sqlite
def test_names_that_differ_in_case_alone_are_one(people: ManagePeople, door: SignIn) -> None:
    people.add(" José ", "agent")

    with pytest.raises(Invalid, match="not valid"):
        people.add("JOSE\u0301", "agent")
    assert people.named("josé").name == "José"
    assert door.named("JOSÉ") == people.named("José")


@on_sqlite
def test_the_first_link_is_of_an_admin_who_is_added_once(people: ManagePeople, door: SignIn) -> None:
    first = door.enter(people.make_first_link())
    again = door.enter(people.make_first_link())

    assert first is not None and again is not None
    assert first.person == again.person
    assert (first.person.name, first.person.role) == ("admin", "admin")
    assert [view.sessions for view in people.all()] == [2]


@on_sqlite
def test_what_a_person_prefers_is_of_what_there_is(people: ManagePeople) -> None:
    ana = people.add("Ana", "agent")

    assert people.prefer(ana.id, language="pt", theme="dark").language == "pt"
    assert people.prefer(ana.id, language=None, theme=None).theme is None
    with pytest.raises(Invalid) as error:
        people.prefer(ana.id, language="xx", theme="pink")
    assert error.value.fields is not None and set(error.value.fields) == {"language", "theme"}
