"""Graph's numbers: their fields, profile and registration."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from simulator.faults.gate import through_faults
from simulator.graph.auth import calling_app, visible_account, visible_number
from simulator.graph.blueprint import graph_blueprint, page_of, pick_fields, request_body
from simulator.graph.errors import GraphRefusal, invalid
from simulator.graph.rules import array, choice, structure, text
from simulator.graph.uploads.store import PICTURES
from simulator.settings import BusinessNumber
from simulator.world.simulator import current

blueprint = graph_blueprint("numbers")
_DEFAULT_FIELDS = ("verified_name", "display_phone_number", "quality_rating", "id")
_NO_PROFILE = {"messaging_product": "whatsapp", "vertical": "UNDEFINED"}
_UNSET = (
    "certificate", "conversational_automation", "country_code", "country_dial_code", "last_onboarded_time",
    "new_certificate",
)  # fmt: skip
"""Fields that may be asked for and have no value, which Graph leaves out of its answer."""
_PROFILE = structure(
    {"messaging_product": choice("whatsapp")},
    {
        "about": text(139),
        "address": text(256, shortest=0),
        "description": text(512, shortest=0),
        "email": text(128, shortest=0),
        "vertical": text(64),
        "websites": array(text(256), 0, 2),
        "profile_picture_handle": text(1000),
    },
)


def number_json(number: BusinessNumber) -> dict[str, Any]:
    """Every field of a number that can be asked for."""
    return {
        "id": number.phone_number_id,
        "display_phone_number": f"+{number.display_phone_number}",
        "verified_name": number.verified_name,
        "quality_rating": "GREEN",
        "throughput": {"level": "STANDARD"},
        "status": "CONNECTED",
        "name_status": "APPROVED",
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
        "account_mode": "LIVE",
        "is_on_biz_app": False,
        "is_official_business_account": False,
        "health_status": current().world.standing.health(number.waba_id),
        "webhook_configuration": _webhook_configuration(number),
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
        "quality_score": {"score": "GREEN"},
        "new_name_status": "NONE",
        "is_pin_enabled": True,
        "is_preverified_number": False,
        "search_visibility": "NON_VISIBLE",
        "eligibility_for_api_business_global_search": "NON_ELIGIBLE_UNDEFINED_COUNTRY",
        **dict.fromkeys(_UNSET),
        **current().world.standing.numbers.get(number.phone_number_id, {}),
    }


def read_number(number: BusinessNumber) -> dict[str, Any]:
    """A number with the fields that were asked for."""
    return pick_fields(number_json(number), _DEFAULT_FIELDS, "WhatsAppBusinessPhoneNumber")


@blueprint.get("/<waba_id>/phone_numbers")
def list_numbers(waba_id: str) -> Response:
    """The numbers of an account."""
    simulator = current()
    visible_account(simulator, calling_app(simulator), waba_id)
    ours = [number for number in simulator.settings.numbers if number.waba_id == waba_id]
    return through_faults(simulator, "management", lambda: page_of([read_number(number) for number in ours]))


@blueprint.post("/<phone_number_id>/register")
def register(phone_number_id: str) -> Response:
    """Register a number with the Cloud API: it must be verified, and the PIN must be the one it has, if any."""
    simulator, body = current(), request_body()
    visible_number(simulator, calling_app(simulator), phone_number_id)
    pin = str(body.get("pin", ""))
    if not (len(pin) == 6 and pin.isdigit()):
        raise GraphRefusal(100, "Param pin must be 6 characters long", message="(#100) Param pin must be 6 characters")

    def answer() -> Response:
        standing = simulator.world.standing
        if standing.numbers.get(phone_number_id, {}).get("code_verification_status", "VERIFIED") == "NOT_VERIFIED":
            raise GraphRefusal(133006, "The phone number is not verified.")
        if standing.pins.get(phone_number_id, pin) != pin:
            raise GraphRefusal(133005, "The PIN is not that of two-step verification.")
        standing.change_number(
            phone_number_id, {"pin": pin, "status": "CONNECTED", "platform_type": "CLOUD_API", "is_pin_enabled": True}
        )
        return jsonify({"success": True})

    return through_faults(simulator, "management", answer)


@blueprint.post("/<phone_number_id>/deregister")
def deregister(phone_number_id: str) -> Response:
    """Take a number from the Cloud API: it sends nothing until it is registered again."""
    simulator = current()
    visible_number(simulator, calling_app(simulator), phone_number_id)
    gone = {"status": "DISCONNECTED", "platform_type": "NOT_APPLICABLE"}
    simulator.world.standing.change_number(phone_number_id, gone)
    return jsonify({"success": True})


@blueprint.get("/<phone_number_id>/whatsapp_business_profile")
def read_profile(phone_number_id: str) -> Response:
    """The profile that customers see."""
    number = visible_number(current(), calling_app(current()), phone_number_id)
    return jsonify({"data": [current().world.profiles.get(number.phone_number_id, _NO_PROFILE)]})


@blueprint.post("/<phone_number_id>/whatsapp_business_profile")
def change_profile(phone_number_id: str) -> Response:
    """Change parts of the profile."""
    app = calling_app(current())
    number = visible_number(current(), app, phone_number_id)
    body = request_body()
    _PROFILE(body, "")
    handle = body.pop("profile_picture_handle", None)
    if handle is not None:
        if current().world.uploads.kind_of(handle, app.app_id) not in PICTURES:
            raise invalid("profile_picture_handle", "is no handle of a JPEG or PNG that this app has uploaded")
        body["profile_picture_url"] = f"https://pps.whatsapp.net/v/{number.phone_number_id}"
    current().world.profiles.setdefault(number.phone_number_id, dict(_NO_PROFILE)).update(body)
    return jsonify({"success": True})


def _webhook_configuration(number: BusinessNumber) -> dict[str, str]:
    simulator = current()
    subscription = simulator.world.subscriptions.of(calling_app(simulator, app_tokens=True))
    known = {
        "application": subscription.callback_url,
        "whatsapp_business_account": subscription.accounts.get(number.waba_id, ""),
        "phone_number": subscription.numbers.get(number.phone_number_id, ""),
    }
    return {key: value for key, value in known.items() if value}
