"""The business numbers the gateway speaks for. Their tokens and secrets come in and never go out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.errors import AlreadyExists, WrongState
from app.schemas.api.lists import list_of
from app.schemas.api.numbers import CheckAnswer, NumberAnswer, NumberChange, NumberRequest
from app.schemas.api.service import DoneAnswer
from app.services.numbers import SETTINGS, change_number, find_number, list_numbers, remove_number, save_number
from app.web.api import paging
from app.web.auth import caller, requires
from app.web.bodies import read_object
from app.web.context import gateway
from app.web.openapi.operations import describe

bp = requires("read", Blueprint("numbers", __name__, url_prefix="/api/numbers"))
changes = requires("admin", Blueprint("number_changes", __name__, url_prefix="/api/numbers"))

_ANSWER, _REPORT = NumberAnswer(), CheckAnswer()
_REQUEST, _CHANGE = NumberRequest(), NumberChange()


@bp.get("")
@describe("listNumbers", "Numbers", {200: list_of(NumberAnswer)})
def index() -> ResponseReturnValue:
    """List numbers, by id; those of the key, if it is bound to some."""
    found = list_numbers(gateway().database, gateway().directory, caller().numbers)
    return paging.page(_ANSWER.dump(found, many=True), None)


@bp.get("/<phone_number_id>")
@describe("getNumber", "Numbers", {200: NumberAnswer})
def show(phone_number_id: str) -> ResponseReturnValue:
    """Show one number, and how its queue moves."""
    return _answer(phone_number_id)


@changes.post("")
@describe("addNumber", "Numbers", {201: NumberAnswer}, body=NumberRequest, errors=(409, 503))
def add() -> ResponseReturnValue:
    """Add a number. Once this is answered, it counts in every process."""
    asked = read_object(_REQUEST)
    number_id = asked["phone_number_id"]
    known = list_numbers(gateway().database, gateway().directory, None)
    if any(each.phone_number_id == number_id and each.source != SETTINGS for each in known):
        raise AlreadyExists("This number was added already; PATCH /api/numbers/<id> changes it.")
    save_number(
        gateway().database,
        gateway().encryptor,
        gateway().now(),
        phone_number_id=number_id,
        display_phone_number=asked.get("display_phone_number"),
        waba_id=asked.get("waba_id"),
        app_id=asked.get("app_id"),
        access_token=asked.get("access_token"),
        app_secrets=asked.get("app_secrets") or (),
        rate=asked.get("rate"),
    )
    gateway().directory.refresh()
    return _answer(number_id), 201


@changes.patch("/<phone_number_id>")
@describe("changeNumber", "Numbers", {200: NumberAnswer}, body=NumberChange, errors=(409, 503))
def change(phone_number_id: str) -> ResponseReturnValue:
    """Change a number that was added; what is not named stays."""
    asked = read_object(_CHANGE)
    _refuse_the_settings_own(phone_number_id)
    change_number(gateway().database, gateway().encryptor, gateway().now(), phone_number_id, asked)
    gateway().directory.refresh()
    return _answer(phone_number_id)


@changes.delete("/<phone_number_id>")
@describe("removeNumber", "Numbers", {200: DoneAnswer}, errors=(409, 503))
def remove(phone_number_id: str) -> ResponseReturnValue:
    """Forget a number that was added. What it sent and received stays."""
    _refuse_the_settings_own(phone_number_id)
    remove_number(gateway().database, phone_number_id, gateway().now())
    gateway().directory.refresh()
    return {"success": True}


@changes.post("/<phone_number_id>/check")
@describe("checkNumber", "Numbers", {200: CheckAnswer})
def check(phone_number_id: str) -> ResponseReturnValue:
    """Ask Meta how a number is: its name, quality, throughput and status, its token, and its webhooks."""
    report: dict[str, Any] = _REPORT.dump(gateway().check_number(phone_number_id))
    return report


def _answer(phone_number_id: str) -> dict[str, Any]:
    found = find_number(gateway().database, gateway().directory, phone_number_id, caller().numbers)
    dumped: dict[str, Any] = _ANSWER.dump(found)
    return dumped


def _refuse_the_settings_own(phone_number_id: str) -> None:
    if find_number(gateway().database, gateway().directory, phone_number_id).source == SETTINGS:
        raise WrongState("This number stands in the settings; change it there.")
