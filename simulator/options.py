"""The options of `serve`, each with its variable, and the settings they make."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from simulator.faults.rules import Fault, parse_fault
from simulator.settings import BusinessNumber, MetaApp, Pace, SimulatorSettings

_NUMBER, _APP, _PACE = BusinessNumber(), MetaApp(), Pace()
_NAMED: tuple[tuple[str, str, str, str], ...] = (
    ("--app-secret", "SIMULATOR_APP_SECRET", _APP.app_secret, "signs the webhooks"),
    ("--verify-token", "WHATSAPP_VERIFY_TOKEN", _APP.verify_token, "for the handshake"),
    ("--access-token", "SIMULATOR_ACCESS_TOKEN", _APP.access_token, "the token that Graph takes"),
    ("--app-id", "WHATSAPP_APP_ID", _APP.app_id, "the app's id"),
    ("--phone-number-id", "WHATSAPP_PHONE_NUMBER_ID", _NUMBER.phone_number_id, "the number's id"),
    ("--business-account-id", "WHATSAPP_BUSINESS_ACCOUNT_ID", _NUMBER.waba_id, "the account's id"),
    ("--display-phone-number", "SIMULATOR_DISPLAY_PHONE_NUMBER", _NUMBER.display_phone_number, "digits only"),
    ("--host", "SIMULATOR_HOST", "127.0.0.1", "the address to listen on"),
    ("--allowed-hosts", "SIMULATOR_ALLOWED_HOSTS", "", "names beside localhost, comma-separated"),
    ("--public-url", "SIMULATOR_PUBLIC_URL", "", "where the gateway fetches files, if not at host and port"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare every option; one that is not given is read from its variable, an empty variable counting as none."""
    for option, variable, default, meaning in _NAMED:
        parser.add_argument(option, default=_env(variable, default), help=f"{meaning} ({variable})")
    parser.add_argument("--port", type=int, default=default_port(), help="0 for any (PORT + 1)")
    webhook = _env("SIMULATOR_WEBHOOK_URL", f"http://127.0.0.1:{_gateway_port()}{_prefix()}/webhook/whatsapp")
    parser.add_argument("--webhook-url", default=webhook, help="where webhooks go (SIMULATOR_WEBHOOK_URL)")
    parser.add_argument("--number", type=_number, action="append", default=[], help="one more: ID:ACCOUNT:DIGITS")
    parser.add_argument("--test-recipient", action="append", help="makes it a test number that may write to these")
    parser.add_argument("--seed", type=int, help="makes ids and chances repeat; without it they are fresh each run")
    example = "such as `timeout share=0.02 seconds=30`; may be repeated"
    parser.add_argument("--fault", type=_fault, action="append", default=[], help=example)
    parser.add_argument("--open-window", action="store_true", help="let free-form messages through at any time")
    rate = _PACE.messages_per_second
    parser.add_argument("--messages-per-second", type=int, default=rate, help="per number; 0 for no limit")
    interval = _PACE.seconds_per_pair_message
    parser.add_argument("--pair-seconds", type=float, default=interval, help="per message to one person; 0 for none")
    parser.add_argument("--batch-seconds", type=float, default=0.0, help="collect changes for so long")


def settings_of(options: argparse.Namespace) -> SimulatorSettings:
    """The settings that parsed options ask for."""
    number = BusinessNumber(options.phone_number_id, options.business_account_id, options.display_phone_number)
    app = MetaApp(
        options.app_id, options.app_secret, options.verify_token, options.access_token, options.webhook_url
    )
    pace = Pace(
        batch_for=options.batch_seconds,
        messages_per_second=options.messages_per_second,
        seconds_per_pair_message=options.pair_seconds,
    )
    return SimulatorSettings(
        host=options.host,
        port=options.port,
        numbers=(number, *options.number),
        apps=(app,),
        pace=pace,
        seed=options.seed,
        faults=tuple(options.fault),
        allowed_hosts=tuple(filter(None, options.allowed_hosts.split(","))),
        enforce_window=not options.open_window,
        allowed_recipients=tuple(options.test_recipient) if options.test_recipient else None,
        public_url=options.public_url,
    )


def default_port() -> int:
    """Where the simulator listens when nobody says, and where the gateway looks for it: the port after its own."""
    return _gateway_port() + 1


def _prefix() -> str:
    """What the gateway's paths begin with, where it is served under a prefix."""
    return _env("SCRIPT_NAME", "").rstrip("/")


def _gateway_port() -> int:
    return int(_env("PORT", "8000"))


def _number(written: str) -> BusinessNumber:
    parts = written.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError("write it as ID:ACCOUNT:DIGITS")
    return BusinessNumber(*parts)


def _fault(written: str) -> Fault:
    try:
        return parse_fault(written)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


def _env(name: str, default: str) -> str:
    """A variable's value, or what the file says that `<name>_FILE` points to.

    An empty one counts as not set, as in a `.env` file that was copied and not filled in.
    """
    file = os.environ.get(f"{name}_FILE")
    return os.environ.get(name) or (Path(file).read_text().strip() if file else "") or default
