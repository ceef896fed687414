"""Serve the simulator's page and API under `/simulator` on the gateway's own port, for hosts that offer only one port.

The simulator runs in a process of its own; requests are forwarded only to its address, without the caller's key. A key
with the scope `admin` is required, as a bearer token or, in a browser, as the password of HTTP Basic. Browsers add that
password to requests of other sites too, so writes are accepted from our own pages only.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import requests
from flask import Blueprint, Response, g, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import NotFound

from app.errors import Forbidden, Unauthenticated, Unavailable
from app.web.auth import ACCESS
from app.web.bodies import read_raw
from app.web.context import gateway
from app.web.idempotency import takes_no_key

LARGEST_BODY = 110 * 1024 * 1024  # the simulator's own limit
CONNECT_SECONDS, READ_SECONDS = 2.0, 40.0  # long polls of the simulator's pages take up to 25 seconds
PASSED_ON = ("Accept", "Content-Type", "If-Modified-Since", "If-None-Match", "Range")
PASSED_BACK = (
    "Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Length", "Content-Range",
    "Content-Security-Policy", "Content-Type", "ETag", "Last-Modified", "X-Content-Type-Options",
)  # fmt: skip
_PORTION = 64 * 1024

bp = Blueprint("simulator", __name__, url_prefix="/simulator")


@bp.record_once
def _declare_access(state: BlueprintSetupState) -> None:
    state.app.extensions.setdefault(ACCESS, {}).update({bp.name: "admin"})


@bp.before_request
def sign_in() -> None:
    """Authenticate the caller by an API key. Raises `Unauthenticated` and `Forbidden`."""
    key = _key()
    caller = gateway().api_keys.find(key) if key else None
    if caller is None:
        raise Unauthenticated
    if not caller.may("admin") or caller.numbers is not None:
        raise Forbidden("This needs a key with the scope `admin` for all numbers.")
    if request.method not in ("GET", "HEAD") and not _is_from_our_pages():
        raise Forbidden("Another site may not write here.")
    g.caller = caller


@bp.after_request
def ask_for_password(response: Response) -> Response:
    """Make a browser ask for name and password after a 401. Any name is accepted; the password is the key."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="whatsapp-service: any name, an admin key as password"'
    return response


@bp.get("/")
def page() -> Response:
    """The customer's phone."""
    return _hand_on("/")


@bp.get("/phone/<path:name>")
def part(name: str) -> Response:
    """A script or a style of the page."""
    return _hand_on(f"/phone/{_quoted(name)}")


@bp.route("/api/<path:name>", methods=["GET", "POST", "PATCH", "DELETE"])
@takes_no_key
def control(name: str) -> Response:
    """The control API."""
    response = _hand_on(f"/simulator/api/{_quoted(name)}")
    # Files may hold scripts of any author, which must not run with the origin of the gateway's own pages.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _key() -> str:
    given = request.authorization
    if given is None or given.type not in ("basic", "bearer"):
        return ""
    return ((given.password if given.type == "basic" else given.token) or "").strip()


def _hand_on(path: str) -> Response:
    """Forward this request to a path of the simulator, and return its response as a stream. Raises `Unavailable`."""
    url = f"http://127.0.0.1:{gateway().config.port + 1}{path}"
    headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    headers["Accept-Encoding"] = "identity"
    session = requests.Session()
    session.trust_env = False
    try:
        answer = session.request(
            request.method, url, params=request.query_string, data=read_raw(LARGEST_BODY), headers=headers,
            timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True,
        )  # fmt: skip
    except requests.RequestException:
        session.close()
        raise Unavailable("The simulator does not answer.") from None
    kept = [(name, answer.headers[name]) for name in PASSED_BACK if name in answer.headers]
    response = Response(_portions(answer), answer.status_code, kept)
    response.call_on_close(session.close)
    return response


def _portions(answer: requests.Response) -> Iterator[bytes]:
    with answer:
        yield from answer.iter_content(_PORTION)


def _quoted(name: str) -> str:
    """Return the path percent-encoded. Raises `NotFound` for a path with `.` or `..`, which could leave its folder."""
    if any(part in (".", "..") for part in name.split("/")):
        raise NotFound
    return quote(name, safe="/")


def _is_from_our_pages() -> bool:
    """Whether the request comes from our own pages or from a program. Programs send neither of the two headers."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return urlsplit(origin).netloc == request.host
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
