"""What hosts of other kinds than gunicorn swallow by default, as far as it can be seen from inside.

At the start a warning names the directive that is missing; an answer 401 names the one that keeps the key away. And the
path of a request is put right where the host changes it: an id of a message may hold slashes, two of them, and `=`.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any
from urllib.parse import unquote_to_bytes

from app.errors import Unauthenticated
from app.logs import get_logger

NO_KEY_UNDER_APACHE = (
    "Send an API key: `Authorization: Bearer <key>`. If one was sent, Apache kept it back: set"
    " `WSGIPassAuthorization On` in the virtual host."
)

CHUNK_SECONDS = 10
"""How long uWSGI waits for the next chunk."""

logger = get_logger(__name__)


def warn_of_host() -> None:
    """Log what is missing in the configuration of the host that loads this application; nothing under gunicorn."""
    for problem in problems():
        logger.warning("this host is not set up for the gateway; see docs/operating.md", extra={"reason": problem})


def problems() -> Iterator[str]:
    """What is wrong with the host, each with its remedy."""
    checks: dict[str, Callable[[ModuleType], Iterator[str]]] = {"mod_wsgi": _of_mod_wsgi, "uwsgi": _of_uwsgi}
    for name, check in checks.items():
        if name in sys.modules:
            yield from check(sys.modules[name])


def _of_mod_wsgi(host: Any) -> Iterator[str]:
    if getattr(host, "process_group", "-") == "":
        yield "runs inside Apache's own processes; set WSGIDaemonProcess and WSGIProcessGroup"
    if getattr(host, "application_group", ""):
        yield "runs in a sub-interpreter, where modules in C misbehave; set WSGIApplicationGroup %{GLOBAL}"


def _of_uwsgi(host: Any) -> Iterator[str]:
    given: dict[str, Any] = {_text(name): value for name, value in getattr(host, "opt", {}).items()}
    if "enable-threads" not in given and "threads" not in given:
        yield "runs no threads, so nothing refreshes numbers, keys and endpoints; set enable-threads"
    if "die-on-term" in given:
        yield "cuts requests in progress at a stop; set hook-master-start as in deploy/uwsgi, not die-on-term"


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def no_key(environ: dict[str, Any]) -> str:
    """What to say to a request without a key: mod_wsgi takes the header away by default, and nothing shows it."""
    was_kept_back = "mod_wsgi.version" in environ and "HTTP_AUTHORIZATION" not in environ
    return NO_KEY_UNDER_APACHE if was_kept_back else Unauthenticated.default


WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def as_host_needs(app: WsgiApp) -> WsgiApp:
    """Return the application as this host needs it: below Apache with paths put right, under uWSGI with a way to read
    bodies in chunks, elsewhere as it is."""
    read_chunk = getattr(sys.modules.get("uwsgi"), "chunked_read", None)
    if read_chunk is not None:
        return ChunkedBodies(app, read_chunk)
    main = str(getattr(sys.modules.get("__main__"), "__file__", ""))
    changes_paths = "mod_wsgi" in sys.modules or main.endswith("/wsgi-loader.py")  # the latter is Passenger's
    return WholePaths(app) if changes_paths else app


class WholePaths:
    """WSGI middleware: takes the path from `REQUEST_URI`, where it stands as the client wrote it.

    mod_wsgi (4.9) makes one slash of several in `PATH_INFO`, whatever Apache's MergeSlashes says, and Passenger (6.0)
    decodes nothing in it. A path that Apache has rewritten is left alone.
    """

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        whole = _whole_path(environ.get("REQUEST_URI", ""), environ.get("SCRIPT_NAME", ""))
        given = environ.get("PATH_INFO", "")
        if whole is not None and whole != given and _is_same(whole, given):
            environ["PATH_INFO"] = whole
        return self._app(environ, start_response)


def _whole_path(uri: str, prefix: str) -> str | None:
    """The decoded path of a request's target below `prefix`, as WSGI writes it; None if it is not below that."""
    path = _decoded(re.sub(r"^https?://[^/]*", "", uri.partition("?")[0]))
    return path.removeprefix(prefix) if path.startswith(prefix) else None


def _is_same(whole: str, given: str) -> bool:
    return _decoded(given) == whole or _merged(given) == _merged(whole)


def _decoded(path: str) -> str:
    return unquote_to_bytes(path.encode("latin-1", "replace")).decode("latin-1")


def _merged(path: str) -> str:
    return re.sub("/+", "/", path)


class ChunkedBodies:
    """WSGI middleware: lets a body in chunks be read like any other where uWSGI speaks HTTP itself.

    Its `wsgi.input` waits for more at the end of such a body; only `uwsgi.chunked_read` finds the end.
    """

    def __init__(self, app: WsgiApp, read_chunk: Callable[[int], bytes]) -> None:
        self._app = app
        self._read_chunk = read_chunk

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() and not environ.get("CONTENT_LENGTH"):
            environ["wsgi.input"] = io.BufferedReader(_Chunks(self._read_chunk))
            environ["wsgi.input_terminated"] = True
        return self._app(environ, start_response)


class _Chunks(io.RawIOBase):
    """A body in chunks as a stream. Raises `OSError` as uWSGI does, for chunks that are broken or late."""

    def __init__(self, read_chunk: Callable[[int], bytes]) -> None:
        self._read_chunk = read_chunk
        self._rest = b""
        self._is_over = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there is something; 0 at the end."""
        if not self._rest and not self._is_over:
            self._rest = self._read_chunk(CHUNK_SECONDS)
            self._is_over = not self._rest
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)
