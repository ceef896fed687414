"""A contact's export as a zip: for a program `contact.json`, for a person `index.html`, and the files themselves."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from markupsafe import Markup, escape

from app.clock import iso_utc
from app.domain.media import StoredMedia
from app.domain.media_types import UNKNOWN, MediaType
from app.errors import GatewayError
from app.services.contacts import Export, ExportedConversation
from app.services.media import ReadMedia

PAGE = Markup(
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title><meta name="viewport"'
    ' content="width=device-width"><style>body{{font:16px/1.5 system-ui;max-width:45rem;margin:auto;padding:1rem}}'
    "p{{white-space:pre-wrap;margin:.2rem 0}}.outbound{{margin-left:3rem}}small{{color:#666}}img{{max-width:20rem}}"
    "</style><h1>{name}</h1><p>{about}</p>\n"
)
NOTES = Markup("<h2>{number}</h2><p>Labels: {labels}</p>{notes}\n")
NOTE = Markup("<div><small>{at} · note of the team, never sent</small><p>{text}</p></div>\n")
LINE = Markup(
    '<div class="{direction}"><small>{timestamp} · {direction} · {status}</small><p>{message}</p>{file}</div>\n'
)


class _Pipe(io.RawIOBase):
    """Where the zip is written, and taken from piece by piece. It cannot seek, so sizes follow each member."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def written(
    media: ReadMedia, export: Callable[[], Export], json_text: Callable[[Export], Iterable[str]],
    shown: Callable[[Any], dict[str, Any]],
) -> Iterator[bytes]:  # fmt: skip
    """Yield the zip's bytes. `export` begins to read, `json_text` writes the JSON, `shown` is a message as JSON data.

    A file that cannot be had is named in the page, with the reason; the rest goes on.
    """
    pipe = _Pipe()
    files: dict[str, StoredMedia] = {}
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        with archive.open("contact.json", "w", force_zip64=True) as member:
            for text in json_text(export()):
                member.write(text.encode())
                yield pipe.take()
        with archive.open("index.html", "w", force_zip64=True) as member:
            for text in _page(media, export(), shown, files):
                member.write(text.encode())
                yield pipe.take()
        for name, found in files.items():
            pieces = _opened(media, found)
            if pieces is None:
                continue
            info = zipfile.ZipInfo(name, found.created_at.timetuple()[:6])
            with archive.open(info, "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece)
                    yield pipe.take()
    yield pipe.take()


def _page(
    media: ReadMedia, export: Export, shown: Callable[[Any], dict[str, Any]], files: dict[str, StoredMedia]
) -> Iterator[str]:
    contact = export.contact.contact
    names = (contact.given_name, contact.name, contact.username, contact.wa_id, contact.user_id)
    known = [str(each) for each in names if each]
    about = [", ".join(known), *([contact.notes] if contact.notes else [])]
    yield PAGE.format(name=known[0] if known else "?", about="\n".join(about))
    for kept in export.conversations:
        yield from map(_notes, kept)
    for portion in export.messages:
        theirs = media.of_messages([message.id for message in portion])
        for message in portion:
            found = theirs.get(message.id)
            yield LINE.format(**_line(shown(message)), file=_link(found, files) if found else "")
    yield "</html>\n"


def _notes(kept: ExportedConversation) -> Markup:
    """What the team keeps about a conversation, or nothing."""
    if not kept.labels and not kept.notes:
        return Markup("")
    notes = Markup("").join(NOTE.format(at=iso_utc(each.created_at), text=each.text) for each in kept.notes)
    return NOTES.format(number=kept.phone_number_id, labels=", ".join(kept.labels) or "none", notes=notes)


def _line(message: dict[str, Any]) -> dict[str, str]:
    return {name: str(message[name] or "") for name in ("direction", "timestamp", "status", "message")}


def _link(found: StoredMedia, files: dict[str, StoredMedia]) -> Markup:
    if found.key is None:
        return Markup("<small>{}</small>").format(f"The file is not here: {found.state}. {found.reason or ''}")
    name = f"media/{found.id}{MediaType(found.mime_type or UNKNOWN).extension}"
    files[name] = found
    label = escape(found.filename or name)
    if (found.mime_type or "").startswith("image/"):
        return Markup('<a href="{}"><img src="{}" alt="{}"></a>').format(name, name, label)
    return Markup('<a href="{}">{}</a>').format(name, label)


def _opened(media: ReadMedia, found: StoredMedia) -> Iterator[bytes] | None:
    try:
        return iter(media.open(found))
    except GatewayError:
        return None
