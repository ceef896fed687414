from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain import number_health as health
from app.domain.number_health import Finding

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GOOD = {
    "display_phone_number": "+1 555-010-0100", "verified_name": "Shop", "name_status": "APPROVED",
    "quality_rating": "GREEN", "throughput": {"level": "STANDARD"}, "status": "CONNECTED", "platform_type": "CLOUD_API",
}  # fmt: skip
TOKEN = {"is_valid": True, "app_id": "600", "expires_at": 0, "scopes": list(health.SCOPES)}


def states(findings: Any) -> dict[str, str]:
    return {finding.name: finding.state for finding in findings}


def test_a_good_number_has_no_remedies() -> None:
    findings = list(health.read_number(GOOD, "15550100100"))

    assert set(states(findings).values()) == {"ok"}
    assert [finding.remedy for finding in findings if finding.remedy] == []


@pytest.mark.parametrize(
    ("change", "name", "state"),
    [
        ({"quality_rating": "YELLOW"}, "quality", "warning"),
        ({"quality_rating": "RED"}, "quality", "problem"),
        ({"quality_rating": 7}, "quality", "warning"),
        ({"status": "DISCONNECTED"}, "status", "problem"),
        ({"status": "SOMETHING_NEW"}, "status", "unknown"),
        ({"name_status": "DECLINED"}, "name", "problem"),
        ({"throughput": None}, "throughput", "warning"),
        ({"platform_type": "NOT_APPLICABLE"}, "platform", "problem"),
        ({"display_phone_number": "+1 555-010-0199"}, "number", "warning"),
    ],
)
def test_what_is_wrong_with_a_number_comes_with_a_remedy(change: Any, name: str, state: str) -> None:
    (finding,) = [each for each in health.read_number(GOOD | change, "15550100100") if each.name == name]

    assert finding.state == state
    assert finding.remedy


@pytest.mark.parametrize(
    ("change", "name", "state"),
    [
        ({}, "token", "ok"),
        ({"is_valid": False}, "token", "problem"),
        ({"expires_at": int(NOW.timestamp()) + 3600}, "token", "warning"),
        ({"expires_at": int(NOW.timestamp()) + 90 * 86400}, "token", "ok"),
        ({"expires_at": "soon"}, "token", "ok"),
        ({"scopes": ["whatsapp_business_messaging"]}, "whatsapp_business_management", "problem"),
        ({"granular_scopes": [{"scope": "whatsapp_business_messaging", "target_ids": ["1"]}]},
         "whatsapp_business_messaging", "problem"),
        ({"granular_scopes": [{"scope": "whatsapp_business_messaging", "target_ids": ["1", "900"]}]},
         "whatsapp_business_messaging", "ok"),
        ({"granular_scopes": [{"scope": "whatsapp_business_messaging"}, 5]}, "whatsapp_business_messaging", "ok"),
    ],
)  # fmt: skip
def test_a_token_is_looked_through(change: Any, name: str, state: str) -> None:
    (finding,) = [each for each in health.read_token(TOKEN | change, NOW, "900") if each.name == name]

    assert finding.state == state
    assert (finding.remedy is None) == (state == "ok")


@pytest.mark.parametrize(
    ("data", "app_id", "state"),
    [([{"whatsapp_business_api_data": {"id": "600"}}], "600", "ok"), ([], "600", "problem"), (None, "600", "problem"),
     ([{"whatsapp_business_api_data": {"id": "601"}}], "600", "problem"), ([5, {}], None, "problem"),
     ([{"whatsapp_business_api_data": {"id": "601"}}], None, "ok")],
)  # fmt: skip
def test_a_subscription_is_of_our_app(data: Any, app_id: str | None, state: str) -> None:
    assert health.read_subscription({"data": data}, app_id, "900").state == state


def test_a_token_of_another_app_is_told() -> None:
    assert health.read_app(TOKEN, "default") is None
    assert health.read_app(TOKEN, "600") == Finding("app", "ok", "The token is of the number's app.", "600")
    other = health.read_app(TOKEN, "601")
    assert other is not None and other.state == "problem" and other.remedy
