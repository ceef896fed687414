"""What `connect` is given: the command line, the environment and `.env`, and what a person types."""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app.services.connecting import Step, StepState

if TYPE_CHECKING:
    from app.cli.connect import Person

APP_ID, SECRET, TOKEN = "WHATSAPP_APP_ID", "WHATSAPP_APP_SECRET", "WHATSAPP_ACCESS_TOKEN"
VERIFY = "WHATSAPP_VERIFY_TOKEN"
OWN = ("API_KEY", "SECRET_KEY", "ENCRYPTION_KEY", "SIMULATOR_APP_SECRET")
"""Secrets of the gateway's own, which ./run.sh makes, too; only all of them are made, for a gateway that is new."""

WHERE = {
    APP_ID: "App id (your app at developers.facebook.com, App settings, Basic)",
    SECRET: "App secret (same page, button Show)",
    TOKEN: "Access token (Meta's business settings, System users, Generate token)",
}


class Stopped(Exception):
    """A step failed without which the others make no sense. It was told."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    env_file: Path
    app_id: str | None
    waba: str
    number: str
    pin: str
    public_url: str
    to: str
    template: str
    wait: float
    no_test: bool
    replace: bool
    replace_callback: bool
    dry_run: bool


class Given:
    """The ids and secrets that are known, or that a person is asked for."""

    def __init__(
        self, options: Options, environ: Mapping[str, str], ask: Person | None, tell: Callable[[Step], None]
    ) -> None:
        self._options = options
        self.environ = environ
        self._ask = ask
        self._tell = tell

    def app_id(self) -> str:
        """Return the app's id. Raises `Stopped` if nobody says it."""
        known = self._options.app_id or self.environ.get(APP_ID) or ""
        if not known and self._ask:
            known = self._ask.text(WHERE[APP_ID])
        if not re.fullmatch("[0-9]{5,20}", known):
            self._stop("app", "The app's id is missing, or no id: it has digits only.", f"--app-id; {WHERE[APP_ID]}.")
        return known

    def secret(self, name: str) -> str:
        """Return the app's secret or the token. Raises `Stopped` if nobody says it."""
        known = self.environ.get(name) or self._of_file(name)
        if not known and self._ask:
            known = self._ask.secret(WHERE[name])
        if not known or not re.fullmatch("[!-~]+", known):
            self._stop("app", f"{name} is missing, or was not copied whole.", f"Set {name}: {WHERE[name]}.")
        return known

    def _of_file(self, name: str) -> str:
        path = self.environ.get(f"{name}_FILE")
        try:
            return Path(path).read_text("utf-8").strip() if path else ""
        except (OSError, ValueError):
            text = f"The file that {name}_FILE names cannot be read."
            self._stop("app", text, "Correct the path, or who may read it.")

    def own_secrets(self) -> dict[str, str]:
        """Return the secrets that are missing: the verify token, and all of a gateway that is new."""

        def is_set(name: str) -> bool:
            return bool(self.environ.get(name) or self.environ.get(f"{name}_FILE"))

        missing = [] if is_set(VERIFY) else [VERIFY]
        if not any(is_set(name) for name in OWN):
            missing += OWN
        return {name: urlsafe_b64encode(secrets.token_bytes(32)).decode() for name in missing}

    def _stop(self, name: str, text: str, remedy: str) -> NoReturn:
        self._tell(Step(name, StepState.FAILED, text, remedy))
        raise Stopped
