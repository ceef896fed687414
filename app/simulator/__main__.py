"""`python -m app.simulator`: run a stand-in for Meta, or write to the business as a customer."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

import requests

from app.simulator.faults import Fault, parse_fault
from app.simulator.say import Conversation
from app.simulator.server import SimulatorServer
from app.simulator.settings import BusinessNumber, CustomerProfile, MetaApp, SimulatorSettings

_CUSTOMER = CustomerProfile()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the process's exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in ("serve", "say", "-h", "--help"):
        given.insert(0, "serve")
    options = _parser().parse_args(given)
    return int(options.run(options))


def settings_of(options: argparse.Namespace) -> SimulatorSettings:
    """The settings that the options and the environment ask for."""
    number = BusinessNumber(options.phone_number_id, options.business_account_id, options.display_phone_number)
    app = MetaApp(
        app_id=options.app_id,
        app_secret=options.app_secret,
        verify_token=options.verify_token,
        access_token=options.access_token or MetaApp.access_token,
        webhook_url=options.webhook_url,
    )
    return SimulatorSettings(
        host=options.host,
        port=options.port,
        numbers=(number,),
        apps=(app,),
        seed=options.seed,
        allowed_hosts=tuple(filter(None, options.allowed_hosts.split(","))),
        enforce_window=not options.open_window,
        public_url=options.public_url,
        faults=tuple(options.fault),
    )


def _serve(options: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s simulator: %(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = SimulatorServer(settings_of(options))
    logging.getLogger(__name__).info(
        "standing in for Meta: the customer's phone is at %s/ and Graph at %s", server.url, server.url
    )
    server.run()
    return 0


def _say(options: argparse.Namespace) -> int:
    try:
        answers = Conversation(options.url, options.sender).say(options.text, options.wait)
    except requests.RequestException as err:
        sys.stderr.write(f"The simulator at {options.url} cannot be used: {type(err).__name__}\n")
        return 2
    if not answers:
        sys.stderr.write(f"No answer within {options.wait:g} seconds.\n")
        return 1
    sys.stdout.write("".join(f"{answer}\n" for answer in answers))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app.simulator", description="A stand-in for Meta on this machine.")
    commands = parser.add_subparsers(required=True)
    _add_serve(commands.add_parser("serve", help="run the simulator (the default)"))
    _add_say(commands.add_parser("say", help="write to the business as a customer and print its answer"))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    gateway_port = int(_env("PORT", "8000"))
    number, app = BusinessNumber(), MetaApp()
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=_default_port(), help="SIMULATOR_PORT, else PORT + 1")
    webhook_url = _env("SIMULATOR_WEBHOOK_URL", f"http://127.0.0.1:{gateway_port}/webhook/whatsapp")
    parser.add_argument("--webhook-url", default=webhook_url, help="SIMULATOR_WEBHOOK_URL: where webhooks go")
    secret = _env("SIMULATOR_APP_SECRET", app.app_secret)
    parser.add_argument("--app-secret", default=secret, help="SIMULATOR_APP_SECRET: signs the webhooks")
    verify = _env("WHATSAPP_VERIFY_TOKEN", app.verify_token)
    parser.add_argument("--verify-token", default=verify, help="WHATSAPP_VERIFY_TOKEN")
    token = _env("WHATSAPP_ACCESS_TOKEN", app.access_token)
    parser.add_argument("--access-token", default=token, help="WHATSAPP_ACCESS_TOKEN, else `simulator`")
    parser.add_argument("--app-id", default=_env("WHATSAPP_APP_ID", app.app_id), help="WHATSAPP_APP_ID")
    number_id = _env("WHATSAPP_PHONE_NUMBER_ID", number.phone_number_id)
    parser.add_argument("--phone-number-id", default=number_id, help="WHATSAPP_PHONE_NUMBER_ID")
    account_id = _env("WHATSAPP_BUSINESS_ACCOUNT_ID", number.waba_id)
    parser.add_argument("--business-account-id", default=account_id, help="WHATSAPP_BUSINESS_ACCOUNT_ID")
    parser.add_argument("--display-phone-number", default=number.display_phone_number, help="digits only")
    parser.add_argument("--seed", type=int, help="makes ids and chances repeat; without it they are fresh each run")
    hosts = _env("SIMULATOR_ALLOWED_HOSTS", "")
    parser.add_argument("--allowed-hosts", default=hosts, help="SIMULATOR_ALLOWED_HOSTS: names beside localhost")
    public_url = _env("SIMULATOR_PUBLIC_URL", "")
    parser.add_argument("--public-url", default=public_url, help="SIMULATOR_PUBLIC_URL: where files are fetched from")
    example = "such as `timeout share=0.02 seconds=30`; may be repeated"
    parser.add_argument("--fault", type=_fault, action="append", default=[], help=example)
    parser.add_argument("--open-window", action="store_true", help="let free-form messages through at any time")
    parser.set_defaults(run=_serve)


def _add_say(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", help="what the customer writes")
    parser.add_argument("--from", dest="sender", default=_CUSTOMER.wa_id, help="the customer's number")
    parser.add_argument("--url", default=f"http://127.0.0.1:{_default_port()}", help="where the simulator is")
    parser.add_argument("--wait", type=float, default=10.0, help="seconds to wait for an answer")
    parser.set_defaults(run=_say)


def _fault(written: str) -> Fault:
    try:
        return parse_fault(written)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


def _default_port() -> int:
    return int(_env("SIMULATOR_PORT", str(int(_env("PORT", "8000")) + 1)))


def _env(name: str, default: str) -> str:
    """A variable's value; an empty one counts as not set, as in a `.env` file that was copied and not filled in."""
    return os.environ.get(name) or default


if __name__ == "__main__":
    sys.exit(main())
