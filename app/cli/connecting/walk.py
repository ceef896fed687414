"""The walk of `connect` from step to step, and its questions."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app import __version__
from app.cli.connecting.given import APP_ID, SECRET, TOKEN, Given, Options, Stopped
from app.cli.connecting.trial import send_trial
from app.clock import utc_now
from app.config import env_file
from app.config.environment import load_environment
from app.config.errors import ConfigError
from app.config.parsers import ROOT
from app.config.settings import Config, load_config
from app.container import Gateway
from app.errors import GraphError
from app.graph.client import GraphClient
from app.services.connecting import (
    Link,
    Number,
    Step,
    StepState,
    failed,
    find_accounts,
    look_at_token,
    register,
    save_the_callback,
    subscribe,
)
from app.services.doctor import DoctorContext, PublicCallback

if TYPE_CHECKING:
    from app.cli.connect import Person

FAILED, WARN, SKIPPED, DONE, ALREADY, WOULD = (
    StepState.FAILED, StepState.WARN, StepState.SKIPPED, StepState.DONE, StepState.ALREADY, StepState.WOULD,
)  # fmt: skip
NUMBER, ACCOUNT, ADDRESS = "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_BUSINESS_ACCOUNT_ID", "PUBLIC_URL"
_TUNNEL = (
    "Meta must reach this gateway under https. On a server put a proxy in front and give --public-url; on a laptop use"
    " a tunnel (cloudflared tunnel --url http://127.0.0.1:{port}), or run the gateway on a server and let your app poll"
    " its /api/events: docs/connect.md#without-a-public-address."
)
RESTART_LOOKS_SECONDS = 1.0


class Connecting:
    """One run. `ask` is the person at the terminal, None if nobody may be asked; `tell` gets each step when it ends."""

    def __init__(
        self, options: Options, ask: Person | None, tell: Callable[[Step], None], note: Callable[[str], None]
    ) -> None:
        self._options = options
        self._ask = ask
        self._tell = tell
        self._note = note
        self.settings: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        """The names that were added to the file, and those that differ there."""

    def __call__(self) -> None:
        """Walk. Raises `Stopped` where a step failed that the others need, and `ConfigError`."""
        self._environ = self._read_environment()
        given = Given(self._options, self._environ, self._ask, self._tell)
        values = {APP_ID: given.app_id(), SECRET: given.secret(SECRET), TOKEN: given.secret(TOKEN)}
        values |= given.own_secrets()
        config = self._config(values | {NUMBER: self._environ.get(NUMBER) or "00000"})
        link = Link(_client(config), values[APP_ID], config.whatsapp_app_secrets[0], values[TOKEN])
        number = self._choose(link)
        values |= {NUMBER: number.id, ACCOUNT: number.waba_id}
        self._register(link, number)
        values |= self._public_url()
        self._write(values)
        context = self._context(values, link)
        self._step(subscribe(link, number.waba_id, dry_run=self._options.dry_run), stops=False)
        reached = self._callback(context)
        self._test(context, link, number, reached)

    def _read_environment(self) -> dict[str, str]:
        """Return what is set: by the environment, else by the file. Raises `ConfigError`."""
        path = self._options.env_file
        if path.absolute() == ROOT / ".env":
            return dict(load_environment())
        try:
            return {**env_file.read(path), **os.environ}
        except (OSError, ValueError) as error:
            raise ConfigError([f"{path}: cannot be read ({type(error).__name__})"]) from None

    def _step(self, step: Step, *, stops: bool = True) -> Step:
        self._tell(step)
        if stops and step.state == FAILED:
            raise Stopped
        return step

    def _stop(self, name: str, text: str, remedy: str) -> NoReturn:
        self._tell(Step(name, FAILED, text, remedy))
        raise Stopped

    def _config(self, values: dict[str, str]) -> Config:
        """Return the settings as they will be. Raises `ConfigError`."""
        files = {f"{name}_FILE": "" for name in values}
        return load_config({**self._environ, **files, "SIMULATOR": "false", **values})

    def _choose(self, link: Link) -> Number:
        step, token = look_at_token(link, utc_now())
        self._step(step)
        assert token is not None
        try:
            accounts = find_accounts(link, token, self._options.waba)
        except GraphError as error:
            self._step(failed("accounts", error, "Looking for business accounts"))
            raise Stopped from error
        if not accounts:
            self._stop("accounts", "The token reaches no WhatsApp business account.",
                       "Give the system user the account: Meta's business settings, Accounts, WhatsApp accounts, Assign"
                       " people; then make a new token. Or name it: --waba.")  # fmt: skip
        numbers = [number for account in accounts for number in account.numbers]
        if not numbers:
            self._stop("numbers", f"Account {', '.join(each.id for each in accounts)} has no number.",
                       "Add one in WhatsApp Manager, Phone numbers; docs/connect.md says which.")  # fmt: skip
        number = self._one_of(numbers)
        self._step(Step("number", ALREADY, f"{number.label}, account {number.waba_id}."))
        return number

    def _one_of(self, numbers: list[Number]) -> Number:
        asked = self._options.number or self._environ.get(NUMBER, "")
        digits = re.sub("[^0-9]", "", asked)
        found = [each for each in numbers if digits in (each.id, re.sub("[^0-9]", "", each.phone))]
        if found:
            return found[0]
        labels = "; ".join(each.label for each in numbers)
        if self._options.number:
            self._stop("numbers", f"The token reaches no number {self._options.number}.", f"There are: {labels}.")
        if len(numbers) == 1:
            return numbers[0]
        if self._ask is None:
            self._stop("numbers", f"There are {len(numbers)} numbers.", f"Name one by --number: {labels}.")
        return self._ask.number(numbers)

    def _register(self, link: Link, number: Number) -> None:
        pin = self._options.pin
        if not number.is_registered and number.verified != "NOT_VERIFIED" and not self._options.dry_run:
            if not pin and self._ask:
                pin = self._ask.text("PIN of two-step verification: six digits, the number's own, or a new one")
            if not re.fullmatch("[0-9]{6}", pin):
                self._stop("register", "The number must be registered, which needs a PIN of six digits.",
                           "--pin: the one it has, or a new one that you keep.")  # fmt: skip
        self._step(register(link, number, pin, dry_run=self._options.dry_run))

    def _public_url(self) -> dict[str, str]:
        known = self._options.public_url or self._environ.get(ADDRESS, "")
        if not known and self._ask:
            known = self._ask.text("The https address that leads here, as https://wa.example.org (empty: none)")
        return {ADDRESS: known.rstrip("/")} if known else {}

    def _write(self, values: dict[str, str]) -> None:
        path = self._options.env_file
        if not path.exists() and os.environ.get("SECRET_KEY"):
            names = ", ".join(values)
            self._step(Step("settings", WARN, "There is no .env, and the environment holds the settings.",
                            f"Set there: {names}."))  # fmt: skip
            return
        values = {name: text for name, text in values.items() if not self._environ.get(f"{name}_FILE")}
        try:
            text = path.read_text("utf-8") if path.exists() else ""
            change = env_file.add(text, values, replace=self._options.replace)
            if change.text != text and not self._options.dry_run:
                env_file.write(path, change.text)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            self._stop("settings", f"{path.name} cannot be written: {why}.", "Correct that, and run this again.")
        self.settings = (change.added, change.different)
        self._say_written(path, change)

    def _say_written(self, path: Path, change: env_file.Addition) -> None:
        verb = "would be added" if self._options.dry_run else "added"
        if change.different and not self._options.replace:
            names = ", ".join(change.different)
            self._step(Step("settings", FAILED, f"{path.name} has other values of {names}, and was left so.",
                            "Change them there, or run this again with --replace."), stops=False)  # fmt: skip
        if change.added:
            state = WOULD if self._options.dry_run else DONE
            self._step(Step("settings", state, f"{verb.capitalize()} to {path.name}: {', '.join(change.added)}."))
        elif not change.different:
            self._step(Step("settings", ALREADY, f"{path.name} has all of them."))
        elif self._options.replace:
            state = WOULD if self._options.dry_run else DONE
            self._step(Step("settings", state, f"Set anew in {path.name}: {', '.join(change.different)}."))
        if (self._environ.get("SIMULATOR") or "false").lower() in ("true", "1", "yes", "on"):
            self._step(Step("settings", WARN, "SIMULATOR is true: the simulator goes on standing in for Meta.",
                            f"Take SIMULATOR out of {path.name}, and restart."))  # fmt: skip

    def _context(self, values: dict[str, str], link: Link) -> DoctorContext:
        from app.db.database import Database
        from app.security.encryption import Encryptor
        from app.services.registries import NumberDirectory, Registry

        config = self._config(values)
        database = Database(config.database_url, config.database_pool_size)
        directory = NumberDirectory(config, database, Encryptor(config.encryption_key), Registry(database))
        return DoctorContext(config, database, directory.read, link.graph, utc_now)

    def _callback(self, context: DoctorContext) -> bool:
        """Save the callback, and see that the gateway that runs takes what this app signs. Return whether it does."""
        if not context.callback_url:
            self._step(Step("callback", SKIPPED, "PUBLIC_URL is not set, so that no webhook can come.",
                            _TUNNEL.format(port=context.config.port)))  # fmt: skip
            return False
        is_local = not context.config.graph_api_url.startswith("https://")
        callback = PublicCallback(context.callback_url, context.config.secret_key, local=is_local)
        step = partial(save_the_callback, context, callback, dry_run=self._options.dry_run)
        made = step(replace=self._options.replace_callback)
        if made.state == FAILED and "now." in made.text and self._ask and self._ask.sure(f"{made.text} Replace it?"):
            made = step(replace=True)
        if self._step(made, stops=False).state == FAILED or self._options.dry_run:
            return False
        return self._runs_with_these(context, callback)

    def _runs_with_these(self, context: DoctorContext, callback: PublicCallback) -> bool:
        secret, until = context.config.whatsapp_app_secrets[0], time.monotonic() + self._options.wait
        trouble, _ = callback.post_signed(secret)
        if trouble is not None and trouble.name in ("app_secret", "signature") and self._ask:
            self._note("Restart the gateway now (Ctrl-C, ./run.sh), so that it reads its new settings; waiting …")
            while trouble is not None and time.monotonic() < until:
                time.sleep(RESTART_LOOKS_SECONDS)
                trouble, _ = callback.post_signed(secret)
        if trouble is None:
            self._step(Step("webhook", DONE, "A signed webhook through the public address is believed."))
            return True
        remedy = f"{trouble.remedy} Then run this again." if trouble.name == "app_secret" else trouble.remedy
        self._step(Step("webhook", FAILED, trouble.text, remedy), stops=False)
        return False

    def _test(self, context: DoctorContext, link: Link, number: Number, reached: bool) -> None:
        if self._options.no_test or self._options.dry_run:
            return
        if not reached:
            self._step(Step("test", SKIPPED, "No test is sent: nothing would tell whether it arrives.",
                            "Put right what stands above, and run this again."))  # fmt: skip
            return
        to = self._options.to
        if not to and self._ask:
            to = self._ask.text("Send a test to (your phone, with country code; empty: no test)", "")
        if not to:
            self._step(Step("test", SKIPPED, "No test is sent.", "--to +<country code><number> sends one."))
            return
        gateway = Gateway.build(context.config, __version__)
        self._step(send_trial(gateway, link, number, to, self._options.template, self._options.wait, self._note))


def _client(config: Config) -> GraphClient:
    return GraphClient(
        config.graph_api_url, config.graph_api_version, service_version=__version__,
        timeout_seconds=config.graph_timeout_seconds, proxy=config.graph_proxy or None,
    )  # fmt: skip
