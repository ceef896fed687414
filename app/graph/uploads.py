"""Meta's Resumable Upload API, for files that are not messages: samples of templates, pictures of profiles.

Source: Meta, graph-api/guides/upload.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from app.errors import GraphUnknown
from app.graph.client import FILE_SECONDS, GraphClient

Json = dict[str, Any]

PREFIX = "upload:"


@dataclass(frozen=True, slots=True)
class NewFile:
    """The properties of a file that Meta must know before the upload."""

    file_name: str
    file_length: int
    file_type: str


def start(graph: GraphClient, app_id: str, file: NewFile, token: str) -> str:
    """Announce a file and return the id of its upload session, which begins with `PREFIX`."""
    params = {"file_name": file.file_name, "file_length": str(file.file_length), "file_type": file.file_type}
    answer = graph.request("POST", app_id, "uploads", token=token, params=params)
    session = answer.get("id") if isinstance(answer, dict) else None
    if not isinstance(session, str) or not session.startswith(PREFIX):
        raise GraphUnknown(meta={"reason": "no upload session"})
    return session


def append(graph: GraphClient, session: str, offset: int, content: Iterable[bytes], token: str) -> Json:
    """Send the file's bytes from `offset` on; Meta's answer to the last of them holds the file's handle, `h`."""
    path, params = _parts(session)
    answer = graph.request(
        "POST", path, token=token, scheme="OAuth", params=params, data=content,
        headers={"Content-Type": "application/octet-stream", "file_offset": str(offset)}, timeout_seconds=FILE_SECONDS,
    )  # fmt: skip
    return answer if isinstance(answer, dict) else {}


def offset_of(graph: GraphClient, session: str, token: str) -> int:
    """Return how many bytes of the file Meta has."""
    path, params = _parts(session)
    answer = graph.request("GET", path, token=token, scheme="OAuth", params=params)
    offset = answer.get("file_offset") if isinstance(answer, dict) else None
    if isinstance(offset, bool) or not isinstance(offset, int | str) or not str(offset).isdecimal():
        raise GraphUnknown(meta={"reason": "no upload offset"})
    return int(offset)


def _parts(session: str) -> tuple[str, dict[str, str]]:
    """Return the path and the query of a session, because Meta's ids contain a query: `upload:…?sig=…`."""
    path, _, query = session.partition("?")
    return path, dict(parse_qsl(query, keep_blank_values=True))
