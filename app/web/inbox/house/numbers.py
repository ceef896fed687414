"""The business numbers: their queues, their standing with Meta, and what can be done about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.errors import AlreadyExists, Invalid, WrongState
from app.schemas.api.numbers import NumberChange, NumberRequest
from app.services.numbers import (
    SETTINGS,
    change_number,
    find_number,
    list_numbers,
    read_standing,
    remove_number,
    save_number,
)
from app.services.operations import read_stats
from app.web.context import gateway
from app.web.inbox.house.blueprint import back_to, bp, seen_numbers
from app.web.inbox.house.forms import read_form

DAY = timedelta(days=1)


@bp.get("/numbers")
def numbers() -> ResponseReturnValue:
    """Show the numbers, and a form to add one."""
    return _list({})


@bp.post("/numbers")
def add_number() -> ResponseReturnValue:
    """Add a number."""
    services = gateway()
    try:
        asked = read_form(NumberRequest(), lists=("app_secrets",))
    except Invalid as wrong:
        return _list(wrong.fields or {}), 422
    number_id = asked["phone_number_id"]
    known = list_numbers(services.database, services.directory, None)
    if any(each.phone_number_id == number_id and each.source != SETTINGS for each in known):
        raise AlreadyExists("This number was added already.")
    facts = {name: asked.get(name) for name in ("display_phone_number", "waba_id", "app_id", "access_token", "rate")}
    save_number(
        services.database, services.encryptor, services.now(), phone_number_id=number_id,
        app_secrets=asked.get("app_secrets") or (), **facts,
    )  # fmt: skip
    services.directory.refresh()
    return back_to(".number", "added", phone_number_id=number_id)


@bp.get("/numbers/<phone_number_id>")
def number(phone_number_id: str) -> ResponseReturnValue:
    """Show one number."""
    return _page(phone_number_id)


@bp.post("/numbers/<phone_number_id>")
def change_a_number(phone_number_id: str) -> ResponseReturnValue:
    """Change a number that was added; fields that were left empty stay as they are."""
    _refuse_the_settings_own(phone_number_id)
    services = gateway()
    try:
        asked = read_form(NumberChange(), lists=("app_secrets",))
    except Invalid as wrong:
        return _page(phone_number_id, problems=wrong.fields or {}), 422
    change_number(services.database, services.encryptor, services.now(), phone_number_id, asked)
    services.directory.refresh()
    return back_to(".number", "changed", phone_number_id=phone_number_id)


@bp.post("/numbers/<phone_number_id>/check")
def check_a_number(phone_number_id: str) -> ResponseReturnValue:
    """Ask Meta how a number is, and show the answer."""
    return _page(phone_number_id, report=gateway().check_number(phone_number_id))


@bp.post("/numbers/<phone_number_id>/remove")
def remove_a_number(phone_number_id: str) -> ResponseReturnValue:
    """Forget a number that was added. What it sent and received stays."""
    _refuse_the_settings_own(phone_number_id)
    remove_number(gateway().database, phone_number_id, gateway().now())
    gateway().directory.refresh()
    return back_to(".numbers", "removed")


def _list(problems: dict[str, list[str]]) -> str:
    services, now = gateway(), gateway().now()
    found = list_numbers(services.database, services.directory, seen_numbers())
    usage = read_stats(services.database, services.directory.current, now - DAY, now, seen_numbers(), now).api_usage
    standings = {
        each.phone_number_id: read_standing(services.database, services.directory, each.phone_number_id, now)
        for each in found
    }
    return render_template(
        "inbox/house/numbers.html", numbers=found, standings=standings, usage=usage, problems=problems,
        asked=request.form,
    )  # fmt: skip


def _page(phone_number_id: str, **more: Any) -> str:
    services, now = gateway(), gateway().now()
    found = find_number(services.database, services.directory, phone_number_id, seen_numbers())
    one = (found.phone_number_id,)
    facts = {
        "stats": read_stats(services.database, services.directory.current, now - DAY, now, one, now),
        "standing": read_standing(services.database, services.directory, found.phone_number_id, now),
        "problems": {},
        "report": None,
        "is_settings_own": found.source == SETTINGS,
    }
    return render_template("inbox/house/number.html", number=found, asked=request.form, **{**facts, **more})


def _refuse_the_settings_own(phone_number_id: str) -> None:
    found = find_number(gateway().database, gateway().directory, phone_number_id, seen_numbers())
    if found.source == SETTINGS:
        raise WrongState("This number stands in the settings; change it there.")
