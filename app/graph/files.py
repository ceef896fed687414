"""Files on their way to and from Graph, in pieces, so that no file is whole in memory."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from app.errors import GraphRefused, GraphUnavailable, Malformed

CHUNK_BYTES = 64 * 1024
HOSTS = (".fbsbx.com", ".fbcdn.net")
"""The hosts of files that customers send (seen: `lookaside.fbsbx.com`). Our token is sent to no others."""


class Upload:
    """A file and its fields as `multipart/form-data`, encoded while it is read. It can be read once."""

    def __init__(
        self,
        file: IO[bytes],
        size: int,
        *,
        filename: str,
        mime_type: str,
        fields: Mapping[str, str],
        part: str = "file",
    ) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._file = file
        texts = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{_quotable(name)}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        names = f'name="{_quotable(part)}"; filename="{_quotable(filename)}"'
        head = f"--{boundary}\r\nContent-Disposition: form-data; {names}\r\n"
        self._before = f"{texts}{head}Content-Type: {_one_line(mime_type)}\r\n\r\n".encode()
        self._after = f"\r\n--{boundary}--\r\n".encode()
        self._size = size

    def __len__(self) -> int:
        return len(self._before) + self._size + len(self._after)

    def __iter__(self) -> Iterator[bytes]:
        yield self._before
        while piece := self._file.read(CHUNK_BYTES):
            yield piece
        yield self._after


class Passing:
    """`size` bytes of a request's body that are passed on as they arrive. It can be read once.

    Raises `Malformed` when the body ends early, so that Meta keeps what it has received and does not wait for the rest.
    """

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        left = self._size
        while left:
            piece = self._stream.read(min(CHUNK_BYTES, left))
            if not piece:
                raise Malformed("The body ended before it was whole.")
            left -= len(piece)
            yield piece


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is being downloaded. Call `close()` in any case, whether it was read or not."""

    mime_type: str
    size: int | None
    response: requests.Response

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes as they arrive. Raises `GraphUnavailable` if they stop before the end."""
        with self.response:
            try:
                yield from self.response.raw.stream(CHUNK_BYTES, decode_content=False)
            except (HTTPError, OSError) as err:
                raise GraphUnavailable("Meta's file broke off.", meta={"reason": type(err).__name__}) from err

    def close(self) -> None:
        """Release the connection."""
        self.response.close()


def opened(response: requests.Response) -> Download:
    """Return a download from Meta's response. Raises `GraphRefused` for a compressed one."""
    if response.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        # It was asked for as it is. Unpacking what somebody chose would let a small answer fill the disk.
        response.close()
        raise GraphRefused("Meta gives the file out only compressed.")
    size = response.headers.get("Content-Length", "")
    return Download(
        response.headers.get("Content-Type", "application/octet-stream"),
        int(size) if size.isascii() and size.isdigit() and len(size) < 16 else None,
        response,
    )


def is_metas(url: str, graph_root: str) -> bool:
    """Return whether our token may be sent to a file's URL: on one of Meta's hosts, or on the host of the Graph API.

    Python and the library that connects read odd URLs differently (`https://a\\@b/` leads to `b` or to `a`), so only
    plain ones are taken, of which both say the same.
    """
    if not re.fullmatch(r"https?://[A-Za-z0-9.:-]+[/?][!-\[\]-~]*", url):
        return False
    try:
        parts, graph, asked = urlsplit(url), urlsplit(graph_root), parse_url(url)
        if asked.auth is not None or asked.host != parts.hostname or asked.port != parts.port:
            return False
        if (parts.scheme, parts.hostname, parts.port) == (graph.scheme, graph.hostname, graph.port):
            return True
        return parts.scheme == "https" and parts.port in (None, 443) and (parts.hostname or "").endswith(HOSTS)
    except (ValueError, HTTPError):
        return False


def _quotable(text: str) -> str:
    return _one_line(text).replace('"', "%22")


def _one_line(text: str) -> str:
    return "".join(char for char in text if char.isprintable())
