"""Find out by app id, app secret and token alone which accounts and numbers there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain import meta_health, number_health
from app.domain.number_health import NEW_TOKEN
from app.errors import GraphError, GraphRefused, GraphUnauthorised
from app.services.connecting.remedies import failed
from app.services.connecting.types import Link, Step, StepState

MANAGEMENT = "whatsapp_business_management"
MOST = "100"
_FIELDS = "id,display_phone_number,verified_name,status,platform_type,code_verification_status,is_on_biz_app"
_OLD_FIELDS = "id,display_phone_number,verified_name,code_verification_status"
APP_SECRET = "Copy app id and app secret again: developers.facebook.com, your app, App settings, Basic."


@dataclass(frozen=True, slots=True)
class Number:
    """A number of an account, as Meta lists it; "" for what Meta does not say."""

    id: str
    waba_id: str
    phone: str
    name: str
    status: str = ""
    platform: str = ""
    verified: str = ""
    is_on_phone: bool = False

    @property
    def is_registered(self) -> bool:
        """Whether it can send: it is on the Cloud API, and connected."""
        return self.platform in ("CLOUD_API", "") and self.status not in (
            "PENDING", "DISCONNECTED", "OFFLINE", "UNVERIFIED", "MIGRATED",
        )  # fmt: skip

    @property
    def label(self) -> str:
        """The number for people."""
        return f"{self.phone} {self.name} (id {self.id})".strip()


@dataclass(frozen=True, slots=True)
class Account:
    """A business account with its numbers."""

    id: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """What Meta says of the token: the accounts that it names, and its user."""

    accounts: tuple[str, ...]
    user_id: str


def look_at_token(link: Link, now: datetime) -> tuple[Step, Token | None]:
    """Return the step that examines the token, and what it is worth; None if it cannot be worked with."""
    params = {"input_token": link.access_token}
    try:
        answer = link.graph.request("GET", "debug_token", token=link.app_token, params=params)
    except (GraphUnauthorised, GraphRefused) as error:
        if (error.meta or {}).get("code") in (4, 613, 80007):
            return failed("token", error, "Asking for the token"), None
        text = "Meta does not take this app id with this app secret."
        return Step("token", StepState.FAILED, text, APP_SECRET), None
    except GraphError as error:
        return failed("token", error, "Asking for the token"), None
    facts = answer.get("data") if isinstance(answer, Mapping) else None
    facts = facts if isinstance(facts, Mapping) else {}
    problem = _problem(facts, link, now)
    if problem is not None:
        return problem, None
    user = facts.get("user_id")
    token = Token(_targets(facts), user if isinstance(user, str) else "")
    kind = meta_health.read_kind(facts, now)
    if kind.state != number_health.OK:
        return Step("token", StepState.WARN, kind.text, kind.remedy), token
    expiry = next(iter(number_health.read_token(facts, now, None)))
    state = StepState.WARN if expiry.state != number_health.OK else StepState.ALREADY
    return Step("token", state, f"{expiry.text} {kind.text}", expiry.remedy), token


def _problem(facts: Mapping[str, Any], link: Link, now: datetime) -> Step | None:
    if facts.get("is_valid") is not True:
        text = "The access token is not valid: it expired, was revoked, or was not copied whole."
        return Step("token", StepState.FAILED, text, NEW_TOKEN)
    if str(facts.get("app_id")) != link.app_id:
        text = f"The access token is of another app ({facts.get('app_id')}) than {link.app_id}."
        return Step("token", StepState.FAILED, text, "Make the token for this app, or give that app's id and secret.")
    findings = list(number_health.read_token(facts, now, None))[1:]
    missing = [finding for finding in findings if finding.state != number_health.OK]
    if missing:
        return Step("token", StepState.FAILED, " ".join(each.text for each in missing), missing[0].remedy)
    return None


def _targets(facts: Mapping[str, Any]) -> tuple[str, ...]:
    granular = facts.get("granular_scopes")
    for each in granular if isinstance(granular, list) else []:
        if isinstance(each, Mapping) and each.get("scope") == MANAGEMENT:
            return tuple(str(target) for target in each.get("target_ids") or [])
    return ()


def find_accounts(link: Link, token: Token, only: str = "") -> list[Account]:
    """Return the accounts that the token reaches, with their numbers; of one account if `only` names it.

    Raises `GraphError`. An account that the token names and may not read is left out, unless it is the only one.
    """
    ids = [only] if only else list(token.accounts) or _assigned(link, token)
    found, refusal = [], None
    for waba_id in ids:
        try:
            found.append(Account(waba_id, tuple(_numbers(link, waba_id))))
        except GraphRefused as error:
            refusal = error
    if refusal is not None and not found:
        raise refusal
    return found


def _assigned(link: Link, token: Token) -> list[str]:
    """Return the accounts that the token's user was given: a token of all accounts names none."""
    if not token.user_id:
        return []
    answer = link.graph.request(
        "GET", token.user_id, "assigned_whatsapp_business_accounts", token=link.access_token,
        params={"fields": "id,name", "limit": MOST},
    )  # fmt: skip
    return [str(each.get("id")) for each in _data(answer)]


def _numbers(link: Link, waba_id: str) -> list[Number]:
    try:
        answer = _ask_numbers(link, waba_id, _FIELDS)
    except GraphRefused as error:
        details = str((error.meta or {}).get("details") or "")
        if "field" not in details:
            raise
        answer = _ask_numbers(link, waba_id, _OLD_FIELDS)
    return [
        Number(
            str(each.get("id")), waba_id, str(each.get("display_phone_number") or ""),
            str(each.get("verified_name") or ""), str(each.get("status") or ""), str(each.get("platform_type") or ""),
            str(each.get("code_verification_status") or ""), each.get("is_on_biz_app") is True,
        )
        for each in _data(answer)
    ]  # fmt: skip


def _ask_numbers(link: Link, waba_id: str, fields: str) -> Any:
    return link.graph.request(
        "GET", waba_id, "phone_numbers", token=link.access_token, params={"fields": fields, "limit": MOST}
    )


def _data(answer: Any) -> list[Mapping[str, Any]]:
    data = answer.get("data") if isinstance(answer, Mapping) else None
    return [each for each in data if isinstance(each, Mapping)] if isinstance(data, list) else []
