"""`send`: one message to one customer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from app.cli.answers import given_alone, time_option, write_json
from app.cli.api import api
from app.cli.base import Command
from app.cli.tables import json_option

KINDS = ("image", "sticker", "video", "audio", "document")


@click.command(cls=Command)
@click.argument("to")
@click.argument("message", required=False)
@click.option("--image-url", help="An image at this address; MESSAGE is its caption.")
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False), help="A file of yours, with --type.")
@click.option("--type", "kind", type=click.Choice(KINDS), help="What --file is sent as.  [default: by its name]")
@click.option("--template", help="The name of a template, with --language.")
@click.option("--language", default="en", show_default=True, help="The template's language.")
@click.option("--parameter", "parameters", multiple=True, help="Fills the template's body: in order, or NAME=TEXT.")
@click.option("--body", type=click.File(encoding="utf-8"), help="The whole send as JSON, without `to`; - is stdin.")
@click.option("--reply-to", help="The message that this one quotes.")
@click.option("--number", "phone_number_id", help="The phone_number_id that sends.")
@click.option("--queued", is_flag=True, help="Do not wait for Meta's answer.")
@time_option("--at", "Send at this time.")
@click.option("--priority", type=click.Choice(["reply", "normal", "bulk"]))
@click.option("--force", is_flag=True, help="Leave the checks of window and opt-out to Meta.")
@click.option("--idempotency-key", help="The same key, the same message: it is sent once.")
@click.option("--check", is_flag=True, help="Send nothing; say whether it could be sent now.")
@json_option
def send(to: str, message: str | None, check: bool, idempotency_key: str | None, as_json: bool, **asked: Any) -> None:
    """Send one message to one customer, and say what Meta answered.

    \b
    Examples:
      send +5491112345678 "Tu pedido ya salió"
      send +5491112345678 --template order_ready --language es --parameter Ana --parameter 1042
      send +5491112345678 --file bill.pdf "Your bill"
      send +5491112345678 --body location.json
    """
    body = {"to": to} | _content(message, **asked) | _more(**asked)
    if check:
        _check(body, as_json)
        return
    answer = api().send_message(body, idempotency_key=idempotency_key)
    if as_json:
        write_json(answer)
        return
    click.echo(f"{answer['status']}: {answer['id']}")
    for warning in answer["warnings"]:
        click.echo(f"- {warning}", err=True)
    if answer["status"] == "unknown":
        click.echo("Meta did not answer; `messages timeline` of the id above shows when it is known.", err=True)


def _content(
    message: str | None, *, image_url: str | None, file: str | None, kind: str | None, template: str | None,
    language: str, parameters: tuple[str, ...], body: Any, **_more: Any,
) -> dict[str, Any]:  # fmt: skip
    ways = [each for each in (image_url, file, template, body) if each is not None]
    if len(ways) > 1 or (not ways and message is None) or (template or body) and message is not None:
        raise click.UsageError("Say what to send: MESSAGE, --image-url, --file, --template or --body.")
    if template is not None:
        return {"type": "template", "template": _template(template, language, parameters)}
    if parameters:
        raise click.UsageError("--parameter fills a --template.")
    if body is not None:
        return _read(body)
    if file is not None:
        chosen: Any = kind or _kind_of(file)
        content = {"id": api().upload_file(file, type=chosen)["id"]} | ({"caption": message} if message else {})
        if chosen == "document":
            content["filename"] = Path(file).name
        return {"type": chosen, chosen: content}
    return given_alone(message=message, image_url=image_url)


def _more(
    *, reply_to: str | None, phone_number_id: str | None, queued: bool, at: Any, priority: str | None, force: bool,
    **_content: Any,
) -> dict[str, Any]:  # fmt: skip
    found = given_alone(reply_to=reply_to, phone_number_id=phone_number_id, send_at=at, priority=priority)
    return found | ({"mode": "queued"} if queued or at else {}) | ({"force": True} if force else {})


def _template(name: str, language: str, parameters: tuple[str, ...]) -> dict[str, Any]:
    filled: list[dict[str, str]] = []
    for text in parameters:
        key, equals, value = text.partition("=")
        is_named = bool(equals) and key.isidentifier() and key.islower()
        filled.append(
            {"type": "text", "parameter_name": key, "text": value} if is_named else {"type": "text", "text": text}
        )
    components = {"components": [{"type": "body", "parameters": filled}]} if filled else {}
    return {"name": name, "language": {"code": language}} | components


def _read(body: Any) -> dict[str, Any]:
    try:
        read = json.load(body)
    except ValueError:
        raise click.UsageError("--body is no JSON.") from None
    if not isinstance(read, dict):
        raise click.UsageError("--body must be one JSON object.")
    return read


def _kind_of(file: str) -> Any:
    import mimetypes

    found = (mimetypes.guess_type(file)[0] or "").partition("/")[0]
    return found if found in ("image", "video", "audio") else "document"


def _check(body: dict[str, Any], as_json: bool) -> None:
    answer = api().check_send(body)
    if as_json:
        write_json(answer)
    elif answer["ok"]:
        click.echo("It can be sent now.")
    for problem in answer["problems"] if not as_json else ():
        click.echo(f"{problem['code']}: {problem['message']}")
        for name, reasons in (problem.get("fields") or {}).items():
            click.echo(f"  {name}: {', '.join(reasons)}")
    for warning in answer["warnings"] if not as_json else ():
        click.echo(f"- {warning}", err=True)
    if not answer["ok"]:
        raise SystemExit(1)
