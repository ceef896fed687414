"""Examine the installation. For `admin`: it is about all numbers, and calls Meta and the public address."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.doctor import DoctorAnswer, DoctorQuery
from app.web.auth import requires
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("admin", Blueprint("doctor", __name__, url_prefix="/api/doctor"))

_ANSWER = DoctorAnswer()


@bp.get("")
@describe("examineInstallation", "Doctor", {200: DoctorAnswer}, query=DoctorQuery)
def show() -> ResponseReturnValue:
    """Look at settings, storage, processes, Meta and the callback; say of each what was found and what to do.

    Takes some seconds, since it calls Meta and the public address. Changes nothing.
    """
    names = [name.strip() for name in str(query().get("checks") or "").split(",") if name.strip()]
    body: dict[str, object] = _ANSWER.dump(gateway().doctor(names))
    return body
