"""`Idempotency-Key` on every route that sends, makes or changes something.

Where a view says nothing, its answer is kept and given again. A view may say that it takes the key itself, in the
transaction of what it writes (`takes_key_itself`), or that it can take none and refuses one (`takes_no_key`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from app.errors import GatewayError, Invalid
from app.services.idempotency import Retry, read_key
from app.web.auth import caller
from app.web.bodies import API_LIMIT, read_raw
from app.web.context import gateway

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ITSELF, _NONE, _IGNORES = "itself", "none", "ignores"
_MARK = "idempotency"
_MAY_BE_DONE = ("internal", "unknown")
"""Codes of errors after which nobody knows whether the request was done."""

View = TypeVar("View", bound=Callable[..., Any])


def takes_key_itself(view: View) -> View:
    """Declare that a view reads the key by `key_of_request`."""
    return _marked(view, _ITSELF)


def takes_no_key(view: View) -> View:
    """Declare that a view cannot take a key: it streams a body that nobody can compare with an earlier one."""
    return _marked(view, _NONE)


def ignores_key(view: View) -> View:
    """Declare that a key means nothing here: whoever calls knows of none."""
    return _marked(view, _IGNORES)


def takes_key(view: Callable[..., Any]) -> bool:
    """Whether a view takes an `Idempotency-Key`."""
    return getattr(view, _MARK, None) not in (_NONE, _IGNORES)


def init_app(app: Flask) -> None:
    """Surround the views of all routes that change something. Access is checked before."""
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if (rule.methods or set()) - SAFE}
    for endpoint in changing:
        view = app.view_functions[endpoint]
        how = getattr(view, _MARK, None)
        if how is None:
            app.view_functions[endpoint] = _keeping(view)
        elif how == _NONE:
            app.view_functions[endpoint] = _refusing(view)


def key_of_request(path: str, raw: bytes) -> Retry | None:
    """The request's key, if it has one. Raises `Invalid` for an unusable one."""
    return read_key(request.headers.get(HEADER), caller().name, path, raw)


def _marked(view: View, how: str) -> View:
    setattr(view, _MARK, how)
    return view


def _refusing(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def refuse(**values: Any) -> ResponseReturnValue:
        if request.method not in SAFE:
            _refuse_key()
        answer: ResponseReturnValue = view(**values)
        return answer

    return refuse


def _refuse_key() -> None:
    if HEADER in request.headers:
        raise Invalid(fields={HEADER: ["cannot be taken by this request; leave it out"]})


def _keeping(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def keep(**values: Any) -> ResponseReturnValue:
        if request.method in SAFE or HEADER not in request.headers:
            answer: ResponseReturnValue = view(**values)
            return answer
        if request.mimetype.startswith("multipart/"):
            _refuse_key()
        raw = read_raw(API_LIMIT)
        # A POST to one place is another request than a DELETE there.
        retry = key_of_request(f"{request.method} {request.full_path}", raw)
        assert retry is not None
        known = gateway().idempotent_requests.begin(retry)
        if known is not None:
            return Response(known.text, known.status, REPLAYED, mimetype="application/json")
        return _once(view, values, retry)

    return keep


def _once(view: Callable[..., Any], values: dict[str, Any], retry: Retry) -> Response:
    """Carry out the first request with a key."""
    requests = gateway().idempotent_requests
    try:
        response = current_app.make_response(view(**values))
    except GatewayError as error:
        (requests.give_up if error.code in _MAY_BE_DONE else requests.release)(retry)
        raise
    except HTTPException:
        requests.release(retry)
        raise
    except BaseException:
        requests.give_up(retry)
        raise
    if response.status_code < 300:
        requests.finish(retry, response.status_code, response.get_data(as_text=True))
    else:
        requests.release(retry)
    return response
