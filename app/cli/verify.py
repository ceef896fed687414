"""`verify`: is a captured request genuine, and if not, why not?"""

from __future__ import annotations

import json
import re
from typing import Any, BinaryIO

import click

from app.cli.base import Command
from app.clock import utc_now


@click.command(cls=Command)
@click.option(
    "--request", "request_file", type=click.File("rb"), help="Headers, an empty line, the body; - is stdin."
)
@click.option("--headers", "headers_file", type=click.File("rb"), help="The headers, as lines or as a JSON object.")
@click.option("--body", "body_file", type=click.File("rb"), help="The body, byte for byte.")
@click.option("--any-time", is_flag=True, help="Leave the clock out of it, for an older capture.")
@click.option(
    "--secret",
    prompt=True,
    hide_input=True,
    envvar="VERIFY_SECRET",
    help="Better by VERIFY_SECRET, or when asked: others see a command line. Several, comma-separated.",
)
def verify(
    request_file: BinaryIO | None,
    headers_file: BinaryIO | None,
    body_file: BinaryIO | None,
    any_time: bool,
    secret: str,
) -> None:
    """Check a captured request, of Standard Webhooks or of Meta. Exits with 1, and says why, when it is not genuine."""
    from app.services.webhooks.explain_signature import explain

    if (request_file is None) == (headers_file is None) or (headers_file is None) != (body_file is None):
        raise click.UsageError("Say which: --request alone, or --headers and --body.")
    if request_file is not None:
        head, _, body = _split(request_file.read())
    else:
        assert headers_file is not None and body_file is not None
        head, body = headers_file.read(), body_file.read()
    verdict = explain(_headers(head), body, secret.split(","), None if any_time else utc_now())
    click.echo(f"{'GENUINE' if verdict.is_genuine else 'NOT GENUINE'} ({verdict.header})")
    for problem in verdict.problems:
        click.echo(f"- {problem}")
    if not verdict.is_genuine:
        raise SystemExit(1)


def _split(captured: bytes) -> tuple[bytes, bytes, bytes]:
    end = re.search(rb"\r?\n\r?\n", captured)
    if end is None:
        raise click.UsageError("The request has no empty line, so it cannot be told where the body begins.")
    return captured[: end.start()], end[0], captured[end.end() :]


def _headers(head: bytes) -> dict[str, str]:
    """Read headers as lines (a request line before them is left out), or as a JSON object."""
    text = head.decode("utf-8-sig", "replace").strip()
    if text.startswith("{"):
        try:
            given: Any = json.loads(text)
            return {str(name): str(value) for name, value in given.items()}
        except (ValueError, RecursionError):
            raise click.UsageError("The headers begin like JSON and are none.") from None
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.lstrip("> "): value for name, colon, value in pairs if colon}
