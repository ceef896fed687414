"""`media …`: files of messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli.answers import Listed, answering, given_alone, listing, showing, when
from app.cli.api import api
from app.cli.base import CommandGroup
from app.cli.tables import Row


@click.group(cls=CommandGroup)
def media() -> None:
    """Files of messages."""


def _row(file: Any) -> Row:
    return {
        "at": when(file["created_at"]),
        "": "←" if file["direction"] == "inbound" else "→",
        "type": file["mime_type"],
        "size": file["size"],
        "state": file["state"],
        "filename": file["filename"],
        "id": file["id"],
    }


@media.command("list")
@click.option("--state", help="stored, pending, failed, …")
@click.option("--direction", type=click.Choice(["inbound", "outbound"]))
@click.option("--number", "phone_number_id", help="A phone_number_id of ours.")
@click.option("--message", "message_id", help="Of this message.")
@listing(empty="No file is like that.")
def list_media(**query: Any) -> Listed:
    """Show files, newest first.

    \b
    Example:
      media list --direction inbound
    """
    return Listed(api().list_media(**query), _row)


@media.command("show")
@click.argument("media_id")
@showing
def show_media(media_id: str) -> Any:
    """Show what is known of a file.

    \b
    Example:
      media show 01a20c83-9c99-716b-8b07-2a3001233244
    """
    return api().get_media(media_id)


@media.command("download")
@click.argument("media_id")
@click.option("--to", "target", type=click.Path(path_type=Path), help="A file or folder.  [default: this folder]")
def download(media_id: str, target: Path | None) -> None:
    """Write a file's content to the disk.

    \b
    Example:
      media download 01a20c83-9c99-716b-8b07-2a3001233244 --to photo.jpg
    """
    target = target or Path()
    with api().download_media(media_id) as content:
        path = target / (content.filename or media_id) if target.is_dir() else target
        if path.exists():
            raise click.UsageError(f"{path} is there already; name another by --to.")
        click.echo(f"{path}: {content.save(path):,} bytes.")


@media.command("upload")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--type", type=click.Choice(["image", "sticker", "video", "audio", "document"]), help="As what.")
@click.option("--number", "phone_number_id", help="The phone_number_id that will send it.")
@answering(lambda file: str(file["id"]))
def upload(file: str, **asked: Any) -> Any:
    """Upload a file to send, and print its id.

    \b
    Example:
      media upload bill.pdf --type document
    """
    return api().upload_file(file, **given_alone(**asked))
