"""`connect`: from ids and a token alone to a delivered message; and set-ups that are broken on purpose."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli.commands import commands
from app.config import env_file
from app.config.settings import load_config
from app.container import Gateway
from app.jobs.process import process_due
from app.store import workers
from simulator.server import SimulatorServer
from simulator.settings import BusinessNumber, MetaApp, SimulatorSettings
from simulator.testing import QUICK, MetaStandIn
from simulator.webhooks.subscriptions import AppSubscription
from tests.services.doctor import habits
from tests.services.doctor.conftest import APP_ID, SECRET, TOKEN, VERIFY, Installation

NUMBER, ACCOUNT, PHONE = BusinessNumber.phone_number_id, BusinessNumber.waba_id, "+5491112345678"
GIVEN = {"WHATSAPP_APP_ID": APP_ID, "WHATSAPP_APP_SECRET": SECRET, "WHATSAPP_ACCESS_TOKEN": TOKEN}
APP = MetaApp(APP_ID, SECRET, "", TOKEN, webhook_url="")
OTHER_APP = MetaApp("600100200300499", "otherSecret0123456", "", "EAAother", webhook_url="")
TWO = (BusinessNumber(), BusinessNumber("700100200300499", ACCOUNT, "34600999888", "Other Shop"))


class World(Installation):
    """A new installation: `.env` as ./run.sh makes it, a public address, and a simulated Meta that knows the app."""

    def prepare(self, **settings: str) -> None:
        """Write `.env`: what ./run.sh writes, and where this test's things are."""
        kept = {name: text for name, text in self.settings.items() if name not in ("SIMULATOR", "WHATSAPP_APP_ID")}
        lines = [f"{name}={text}" for name, text in (kept | settings).items()]
        lines = ["# Made by run.sh", *lines, "WHATSAPP_ACCESS_TOKEN=", "WHATSAPP_APP_SECRET=", ""]
        self.env.write_text("\n".join(lines))
        self.env.chmod(0o600)

    @property
    def env(self) -> Path:
        return self.folder / ".env"

    @property
    def own(self) -> AppSubscription:
        """What the app has asked Meta for."""
        found = self.meta.simulator.world.subscriptions.get(APP_ID)
        assert found is not None
        return found

    def start(self, habit: habits.Habit = lambda app: app, *, worker: bool = True, **of_gateway: str) -> None:
        """Run a gateway that knows the new settings, and its worker."""
        real = GIVEN | {"SIMULATOR": "false", "WHATSAPP_PHONE_NUMBER_ID": NUMBER} | of_gateway
        self.serve(habit, **real)
        if not worker:
            return
        gateway = Gateway.build(load_config(self.settings | real), "0")
        stop = threading.Event()
        thread = threading.Thread(target=_work, args=(gateway, stop), daemon=True)
        thread.start()
        self._closing += [gateway.database.dispose, thread.join, stop.set]

    def connect(self, *arguments: str, given: dict[str, str] | None = None, **more: Any) -> Result:
        """Run the command."""
        self.prepare() if not self.env.exists() else None
        words = ["connect", "--env-file", str(self.env), *arguments]
        return CliRunner().invoke(commands, words, env=GIVEN if given is None else given, **more)

    def told(self, *arguments: str, given: dict[str, str] | None = None) -> dict[str, Any]:
        """Run it for a program; return what it says."""
        result = self.connect("--json", *arguments, given=given)
        assert "Traceback" not in result.output, result.output
        assert isinstance(result.exception, SystemExit | None), result.exc_info
        found: dict[str, Any] = json.loads(result.output)
        assert result.exit_code == (0 if found["connected"] else 1)
        return found


def _work(gateway: Gateway, stop: threading.Event) -> None:
    """Work as a worker does."""
    while True:
        now = datetime.now(UTC)
        with gateway.database.write() as session:
            workers.seen(session, "w1", now, now - timedelta(days=1))
        while process_due(gateway, stop.is_set):
            pass
        if stop.wait(0.02):
            return


@pytest.fixture
def meta_settings() -> SimulatorSettings:
    return SimulatorSettings(port=0, pace=QUICK, seed=1, apps=(APP, OTHER_APP))


@pytest.fixture
def world(
    tmp_path: Path, meta_settings: SimulatorSettings, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    server = SimulatorServer(meta_settings)
    server.start()
    made = World(tmp_path, MetaStandIn(server), migrated_sqlite, monkeypatch)
    made.own.accounts.clear()
    yield made
    made.close()
    server.stop()


def steps(told: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["state"] for step in told["steps"]}


def test_a_number_is_connected_from_ids_and_token_alone(world: World) -> None:
    world.start()
    world.meta.standing.change_number(NUMBER, {"status": "PENDING", "platform_type": "NOT_APPLICABLE"})
    began = time.monotonic()

    told = world.told("--pin", "246810", "--to", PHONE)

    assert steps(told) == {
        "token": "already", "number": "already", "register": "done", "settings": "done", "subscribe": "done",
        "callback": "done", "webhook": "done", "test": "done",
    }  # fmt: skip
    written = env_file.read(world.env)
    assert {name: written[name] for name in GIVEN} == GIVEN
    assert (written["WHATSAPP_PHONE_NUMBER_ID"], written["WHATSAPP_BUSINESS_ACCOUNT_ID"]) == (NUMBER, ACCOUNT)
    assert world.env.stat().st_mode & 0o777 == 0o600
    assert world.env.read_text().startswith("# Made by run.sh\nAPI_KEY=")
    assert world.own.callback_url == f"{world.settings['PUBLIC_URL']}/webhook/whatsapp"
    assert world.meta.standing.pins == {NUMBER: "246810"}
    assert [message.to for message in world.meta.accepted] == [PHONE]
    assert time.monotonic() - began < 60


def test_connecting_again_changes_nothing(world: World) -> None:
    world.start()
    world.told("--to", PHONE)
    before = world.env.read_bytes()

    told = world.told("--no-test")

    assert set(steps(told).values()) == {"already", "done"}  # the signed trial is made each time
    assert [name for name, state in steps(told).items() if state == "done"] == ["webhook"]
    assert world.env.read_bytes() == before
    assert len(world.meta.accepted) == 1


def test_a_dry_run_changes_nothing(world: World) -> None:
    world.start()
    world.prepare()
    world.meta.standing.change_number(NUMBER, {"status": "PENDING", "platform_type": "NOT_APPLICABLE"})
    before = world.env.read_bytes()

    told = world.told("--dry-run", "--to", PHONE)

    assert told["connected"] is True
    assert {name for name, state in steps(told).items() if state == "would"} == {
        "register", "settings", "subscribe", "callback",
    }  # fmt: skip
    assert "WHATSAPP_ACCESS_TOKEN" in told["settings"]["added"]
    assert TOKEN not in json.dumps(told) and SECRET not in json.dumps(told)
    assert world.env.read_bytes() == before
    assert world.own.callback_url == "" and world.own.accounts == {}
    assert world.meta.standing.is_registered(NUMBER) is False
    assert world.meta.accepted == []


@pytest.mark.parametrize("meta_settings", [SimulatorSettings(port=0, pace=QUICK, apps=(APP,), numbers=TWO)])
def test_a_person_is_asked_for_what_is_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.start()
    world.prepare()
    monkeypatch.setattr("app.cli.connect._is_terminal", lambda: True)
    answers = f"{APP_ID}\n{SECRET}\n{TOKEN}\n1\n{PHONE}\n"

    result = world.connect(given={}, input=answers)

    assert result.exit_code == 0, result.output
    assert "34600999888" in result.output and "✓ test: The template arrived" in result.output
    assert "hello_world: accepted" in result.output and "Connected." in result.output
    assert SECRET not in result.output and TOKEN not in result.output


def test_without_a_public_address_it_says_what_to_do(world: World) -> None:
    told = world.told("--to", PHONE)

    callback = next(step for step in told["steps"] if step["name"] == "callback")
    assert callback["state"] == "skipped"
    assert "tunnel" in callback["remedy"] and "/api/events" in callback["remedy"]
    assert told["connected"] is True


def test_a_new_gateway_gets_its_own_secrets(world: World) -> None:
    world.env.write_text(f"GRAPH_API_URL={world.meta.url}\n")

    told = world.told("--no-test")

    assert {"API_KEY", "SECRET_KEY", "ENCRYPTION_KEY", "WHATSAPP_VERIFY_TOKEN"} <= set(told["settings"]["added"])
    assert load_config(env_file.read(world.env)).whatsapp_phone_number_id == NUMBER


def test_a_token_that_names_no_accounts_reaches_those_of_its_user(world: World) -> None:
    world.meta.standing.change_token(APP_ID, names_accounts=False)

    assert steps(world.told())["number"] == "already"


def test_a_number_in_coexistence_is_not_registered_again(world: World) -> None:
    world.meta.standing.change_number(NUMBER, {"is_on_biz_app": True})

    told = world.told()

    assert "coexistence" in next(step["text"] for step in told["steps"] if step["name"] == "register")


def test_another_callback_is_replaced_when_that_is_said(world: World) -> None:
    world.start()
    world.own.callback_url = "https://old.example/hook"

    assert steps(world.told("--no-test", "--replace-callback"))["callback"] == "done"
    assert world.own.callback_url == f"{world.settings['PUBLIC_URL']}/webhook/whatsapp"


@dataclass(frozen=True)
class Case:
    """What is broken, the arguments, the step that fails, and words of what is said and of the remedy."""

    name: str
    breaks: Callable[[World], object]
    step: str
    text: str
    remedy: str
    arguments: tuple[str, ...] = ("--to", PHONE)
    given: dict[str, str] | None = None
    settings: SimulatorSettings | None = None
    state: str = "failed"


def number(**fields: object) -> Callable[[World], object]:
    return lambda it: it.meta.standing.change_number(NUMBER, fields)


def token(**facts: object) -> Callable[[World], object]:
    return lambda it: it.meta.standing.change_token(APP_ID, **facts)


def started(act: Callable[[World], object] = lambda it: None, **how: Any) -> Callable[[World], object]:
    def run(it: World) -> None:
        it.start(**how)
        act(it)

    return run


def code(value: int, on: str = "management", kind: str = "code") -> Callable[[World], object]:
    return lambda it: it.meta.add_fault(kind, code=value, on=on)


def template(name: str) -> tuple[str, ...]:
    return ("--to", PHONE, "--template", name, "--wait", "5")


def only_once(app: habits.Wsgi) -> habits.Wsgi:
    """Let the first handshake through, which is ours, and refuse the second, which is Meta's."""
    seen: list[int] = []

    def answer(environ: dict[str, Any], start: Any) -> Any:
        seen.append(1)
        return app(environ, start) if len(seen) == 1 else habits.answers("403 Forbidden")(app)(environ, start)

    return answer


def other_values(it: World) -> None:
    it.prepare(WHATSAPP_PHONE_NUMBER_ID="700100200300999")


def folder_for_env(it: World) -> None:
    def refuse(*paths: object) -> None:
        raise PermissionError(13, "Permission denied")

    it.monkeypatch.setattr(env_file.os, "replace", refuse)


def elsewhere(it: World) -> None:
    it.own.callback_url = "https://old.example/hook"


def no_templates(it: World) -> None:
    templates = it.meta.simulator.world.templates
    templates.remove(next(templates.of_account(ACCOUNT)))


STRANGE = replace(BusinessNumber(), waba_id="900100200300499")
NO_APP = {name: text for name, text in GIVEN.items() if name != "WHATSAPP_APP_ID"}
UNREGISTERED = {"status": "PENDING", "platform_type": "NOT_APPLICABLE"}
BASE = SimulatorSettings(port=0, pace=QUICK, seed=1, apps=(APP, OTHER_APP))
CASES = [
    Case("a wrong app secret", lambda it: None, "token", "app id with this app secret", "App settings, Basic",
         given=GIVEN | {"WHATSAPP_APP_SECRET": "notTheSecret0123456"}),
    Case("a wrong app id", lambda it: None, "token", "app id with this app secret", "App settings, Basic",
         given=GIVEN | {"WHATSAPP_APP_ID": "600100200300999"}),
    Case("no app id", lambda it: None, "app", "missing", "--app-id", given=NO_APP),
    Case("no token", lambda it: None, "app", "WHATSAPP_ACCESS_TOKEN is missing", "System users",
         given={**GIVEN, "WHATSAPP_ACCESS_TOKEN": ""}),
    Case("a revoked token", token(is_valid=False), "token", "not valid", "system user"),
    Case("a mistyped token", lambda it: None, "token", "not valid", "system user",
         given=GIVEN | {"WHATSAPP_ACCESS_TOKEN": "EAAmistyped"}),
    Case("a token of another app", lambda it: None, "token", "another app (600100200300499)", "for this app",
         given=GIVEN | {"WHATSAPP_ACCESS_TOKEN": "EAAother"}),
    Case("no permission to send", token(scopes=["whatsapp_business_management"]), "token", "sending",
         "whatsapp_business_messaging"),
    Case("a temporary token", token(type="USER", expires_at=int(time.time()) + 3600), "token", "temporary",
         "system user", ("--no-test",), state="warn"),
    Case("a token of no account", token(target_ids=[]), "accounts", "reaches no WhatsApp business account", "--waba"),
    Case("an account that is not the token's", lambda it: None, "accounts", "code 100", "Look the code up",
         ("--waba", "900100200300999")),
    Case("several numbers", lambda it: None, "numbers", "2 numbers", "34600999888",
         settings=replace(BASE, numbers=TWO)),
    Case("an unknown number", lambda it: None, "numbers", "no number +1 555 999", NUMBER, ("--number", "+1 555 999")),
    Case("Meta away", lambda it: it.set(GRAPH_API_URL="http://127.0.0.1:9"), "token", "cannot be reached",
         "GRAPH_PROXY"),
    Case("too many calls", code(80007), "token", "80007", "Wait some minutes"),
    Case("a PIN nobody gave", number(**UNREGISTERED), "register", "PIN of six digits", "--pin"),
    Case("a wrong PIN", number(**UNREGISTERED, pin="111111"), "register", "133005", "Two-step verification",
         ("--pin", "222222")),
    Case("a number nobody verified", number(**UNREGISTERED, code_verification_status="NOT_VERIFIED"), "register",
         "Nobody proved", "by the code"),
    Case(".env with another number", other_values, "settings", "WHATSAPP_PHONE_NUMBER_ID", "--replace",
         ("--number", NUMBER)),
    Case(".env that cannot be written", folder_for_env, "settings", "Permission denied", "Correct that"),
    Case("an address where nothing listens", lambda it: it.set(PUBLIC_URL="http://127.0.0.1:9"), "callback",
         "Nothing listens", "firewall"),
    Case("a name that does not exist", lambda it: it.set(PUBLIC_URL="https://wa.invalid"), "callback", "DNS", "record"),
    Case("a wrong path", started(habit=habits.under("/x")), "callback", "404", "prefix"),
    Case("a gateway with another verify token", started(WHATSAPP_VERIFY_TOKEN="Zk8dPq2wLx5n"), "callback",
         "another verify token", "Restart"),
    Case("a callback elsewhere", started(elsewhere), "callback", "old.example", "--replace-callback"),
    Case("a firewall that keeps Meta out", started(habit=only_once), "callback", "2200", "flask doctor"),
    Case("a gateway with older settings", started(WHATSAPP_APP_SECRET="olderSecret01234"), "webhook",
         "another app secret", "Restart"),
    Case("no worker", started(worker=False), "test", "no worker runs", "./run.sh"),
    Case("no template", started(no_templates), "test", "no approved template", "WhatsApp Manager"),
    Case("an unknown template", started(), "test", "132001", "--template", template("nothing:es")),
    Case("no phone number", started(), "test", "to:", "Correct it", ("--to", "Ana")),
    Case("a phone that is not on the list", started(), "test", "131030", "API Setup",
         settings=replace(BASE, allowed_recipients=())),
    Case("a phone without WhatsApp", started(code(131026, "messages", "fail")), "test", "131026", "up to date"),
    Case("hello_world from a real number", started(code(131058, "messages")), "test", "131058", "--template"),
    Case("no payment method", started(lambda it: it.meta.standing.change_account(ACCOUNT, lacks_payment=True)), "test",
         "131042", "payment method"),
    Case("an app in development mode",
         started(lambda it: it.meta.standing.change_account(ACCOUNT, sends_webhooks=False)), "test",
         "no webhook told", "development mode", ("--to", PHONE, "--wait", "0.4")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("meta_settings", "case"), [(case.settings or BASE, case) for case in CASES],
    ids=[case.name.replace(" ", "-") for case in CASES],
)  # fmt: skip
def test_what_is_broken_is_named_with_its_remedy(world: World, case: Case) -> None:
    case.breaks(world)

    told = world.told(*case.arguments, given=case.given)

    found = [step for step in told["steps"] if step["state"] == case.state and step["name"] == case.step]
    assert found, told["steps"]
    assert case.text in found[0]["text"], found
    assert case.remedy in found[0]["remedy"], found
    assert told["connected"] is (case.state != "failed")
    assert VERIFY not in json.dumps(told) and PHONE[1:] not in json.dumps(told)


def test_there_are_as_many_as_are_promised() -> None:
    assert len(CASES) >= 15
