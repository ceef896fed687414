"""`python -m simulator`: run a stand-in for Meta, or write to the business as a customer."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests
from dotenv import load_dotenv

from simulator.options import add_options, default_port, settings_of
from simulator.say import Conversation
from simulator.server import SimulatorServer
from simulator.settings import CustomerProfile

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None, elsewhere: tuple[str, str] = ("", "")) -> int:
    """Run a command, `serve` when none is named; return the process's exit status.

    `elsewhere` is another gateway's URL and a key of it, whose simulator `say` writes through; two empty texts for the
    simulator of this machine.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in ("serve", "say", "-h", "--help"):
        given.insert(0, "serve")
    options = _parser(*elsewhere).parse_args(given)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return 130


def _serve(options: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s simulator: %(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # long polls and held answers are meant to queue
    server = SimulatorServer(settings_of(options))
    _log.info("standing in for Meta: the customer's phone is at %s/ and Graph at %s", server.url, server.url)
    server.run()
    return 0


def _say(options: argparse.Namespace) -> int:
    is_elsewhere = options.url == options.gateway
    key = options.key if is_elsewhere else ""  # for no other address
    try:
        answers = Conversation(options.url, options.sender, key).say(options.text, options.wait)
    except (requests.RequestException, LookupError, TypeError) as err:
        told = _trouble_elsewhere(options.url, err) if is_elsewhere else _trouble(options.url, err)
        sys.stderr.write(f"{told}\n")
        return 2
    if not answers:
        sys.stderr.write(
            f"No answer within {options.wait:g} seconds. The message was written; whoever answers (the echo bot, your"
            " app) did not. See the gateway's console, or wait longer: --wait 30\n"
        )
        return 1
    sys.stdout.write("".join(f"{answer}\n" for answer in answers))
    return 0


def _trouble(url: str, error: Exception) -> str:
    """Say why the simulator cannot be written to, and what to do about it."""
    elsewhere = "say where the simulator is, one port after the gateway's: --url http://127.0.0.1:8001"
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return (
            f"Nothing answers at {url}. Is the gateway running, and without a WHATSAPP_ACCESS_TOKEN? Start it with"
            f" ./run.sh, or {elsewhere}"
        )
    answer = error.response if isinstance(error, requests.RequestException) else None
    if answer is not None and not str(answer.request.url).endswith("/world"):  # that one is asked first, and of any
        return f"The simulator at {url} refused ({answer.status_code}): {answer.text[:300].strip()}"
    return f"What answers at {url} is no simulator. Perhaps another program took that port; {elsewhere}"


def _trouble_elsewhere(url: str, error: Exception) -> str:
    answer = error.response if isinstance(error, requests.RequestException) else None
    if answer is None:
        return f"Nothing answers at {url}, as GATEWAY_URL says ({type(error).__name__})."
    remedies = {
        401: "API_KEY must hold a key of that gateway.",
        403: "API_KEY must hold a key with the scope admin for all numbers.",
        404: "That gateway speaks to Meta itself, or GATEWAY_URL is another program's.",
    }
    return f"The gateway at {url} refused ({answer.status_code}). {remedies.get(answer.status_code, answer.text[:300])}"


def another_gateway(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return where another gateway is, and a key of it, as the environment says; empty for this machine's."""
    url = environ.get("GATEWAY_URL", "")
    return (url, environ.get("API_KEY", "")) if url else ("", "")


def load_settings() -> None:
    """Add what the project's `.env` sets and the environment does not, as the gateway does: both mean the same port."""
    load_dotenv(Path(__file__).resolve().parents[1] / ".env", interpolate=False, encoding="utf-8-sig")


def _parser(gateway_url: str = "", key: str = "") -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A stand-in for Meta on this machine.")
    commands = parser.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="run the simulator (the default)")
    add_options(serve)
    serve.set_defaults(run=_serve)
    say = commands.add_parser("say", help="write to the business as a customer and print its answer")
    say.add_argument("text", help="what the customer writes")
    say.add_argument("--from", dest="sender", default=CustomerProfile.wa_id, help="the customer's number")
    url = gateway_url or f"http://127.0.0.1:{default_port()}"
    say.add_argument("--url", default=url, help="where the simulator is; or GATEWAY_URL and API_KEY name a gateway")
    say.add_argument("--wait", type=float, default=10.0, help="seconds to wait for an answer")
    say.set_defaults(run=_say, gateway=gateway_url, key=key)
    return parser


if __name__ == "__main__":
    named = another_gateway(os.environ)  # not what .env adds, which is this machine's gateway's
    load_settings()
    sys.exit(main(elsewhere=named))
