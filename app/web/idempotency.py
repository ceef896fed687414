"""Support `Idempotency-Key` on every route that sends, creates or changes something.

By default the response is stored and returned again for the same key. A view can declare that it stores the key itself,
in the transaction of its writes (`takes_key_itself`), refuses a key (`takes_no_key`) or ignores it (`ignores_key`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from app.errors import GatewayError, Invalid
from app.services.idempotency import Retry, read_key
from app.web.auth import ACCESS, caller
from app.web.bodies import API_LIMIT, read_raw
from app.web.context import gateway

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ITSELF, _NONE, _IGNORES = "itself", "none", "ignores"
_MARK = "idempotency"
_MAY_BE_DONE = ("internal", "unknown")
"""Codes of errors after which it is not known whether the request was carried out."""

View = TypeVar("View", bound=Callable[..., Any])


def takes_key_itself(view: View) -> View:
    """Declare that a view reads the key by `key_of_request`."""
    return _marked(view, _ITSELF)


def takes_no_key(view: View) -> View:
    """Declare that a view refuses a key: it streams a body that cannot be compared with an earlier one."""
    return _marked(view, _NONE)


def ignores_key(view: View) -> View:
    """Declare that a view ignores a key: its callers do not know the header."""
    return _marked(view, _IGNORES)


def takes_key(view: Callable[..., Any]) -> bool:
    """Whether a view takes an `Idempotency-Key`."""
    return getattr(view, _MARK, None) not in (_NONE, _IGNORES)


def init_app(app: Flask) -> None:
    """Wrap the views of all routes that change something. Access is checked before the wrapper runs.

    Pages ignore the header: a browser sends none, and the keys of their forms are fields.
    """
    access = app.extensions[ACCESS]
    changing = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) - SAFE
        and not (access.get(rule.endpoint.partition(".")[0]) or "").startswith("person:")
    }
    for endpoint in changing:
        view = app.view_functions[endpoint]
        how = getattr(view, _MARK, None)
        if how is None:
            app.view_functions[endpoint] = _keeping(view)
        elif how == _NONE:
            app.view_functions[endpoint] = _refusing(view)


def key_of_request(path: str, raw: bytes) -> Retry | None:
    """Return the request's key, None if it has none. Raises `Invalid` for an unusable one."""
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
        # The method is part of the request: a POST and a DELETE of the same path are different requests.
        retry = key_of_request(f"{request.method} {request.full_path}", raw)
        assert retry is not None
        return carry_out_once(retry, partial(view, **values))

    return keep


def carry_out_once(retry: Retry, carry_out: Callable[[], ResponseReturnValue]) -> Response:
    """Carry out the first request with a key; return the stored response to every later one.

    A response below 300 is stored. Otherwise the key is released, unless the request may have been carried out.
    """
    requests = gateway().idempotent_requests
    known = requests.begin(retry)
    if known is not None:
        return Response(known.text, known.status, REPLAYED, mimetype="application/json")
    try:
        response = current_app.make_response(carry_out())
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
