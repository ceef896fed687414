"""Which of Graph's endpoints the proxy serves, and which scope each of them needs.

Endpoints that send messages are missing on purpose: they would bypass what keeps a message from being sent twice.
"""

from __future__ import annotations

NUMBER, ACCOUNT, TEMPLATE = "number", "account", "template"

_READ_WRITE: dict[str, dict[str, dict[str, str]]] = {
    NUMBER: {
        "block_users": {"GET": "read", "POST": "send", "DELETE": "send"},
        "call_permissions": {"GET": "read"},
        "conversational_automation": {"GET": "read", "POST": "admin"},
        "deregister": {"POST": "admin"},
        "message_history": {"GET": "read"},
        "message_qrdls": {"GET": "read", "POST": "admin"},
        "register": {"POST": "admin"},
        "request_code": {"POST": "admin"},
        "settings": {"GET": "read", "POST": "admin"},
        "smb_app_data": {"POST": "admin"},
        "username": {"GET": "read", "POST": "admin", "DELETE": "admin"},
        "username_suggestions": {"GET": "read"},
        "verify_code": {"POST": "admin"},
        "whatsapp_business_encryption": {"GET": "read", "POST": "admin"},
        "whatsapp_business_profile": {"GET": "read", "POST": "admin"},
        "whatsapp_commerce_settings": {"GET": "read", "POST": "admin"},
    },
    ACCOUNT: {
        "flows": {"GET": "read", "POST": "admin"},
        "message_template_library": {"GET": "read"},
        "message_templates": {"GET": "read", "POST": "admin", "DELETE": "admin"},
        "migrate_message_templates": {"POST": "admin"},
        "phone_numbers": {"GET": "read"},
        "subscribed_apps": {"GET": "read", "POST": "admin", "DELETE": "admin"},
        "upsert_message_templates": {"POST": "admin"},
    },
    TEMPLATE: {
        "compare": {"GET": "read"},
        "unpause": {"POST": "admin"},
    },
}

_ITEMS: dict[str, dict[str, str]] = {
    "message_qrdls": {"GET": "read", "POST": "admin", "DELETE": "admin"},
    "message_templates": {"GET": "read", "POST": "admin"},
}
"""Edges whose items have a path of their own below the edge."""

LIBRARY = "message_template_library"
"""Also an object of Graph itself, without an account."""

PARAMETERS = frozenset(
    "after before category code content count end fields generate_qr_image hsm_id hsm_ids include_default industry"
    " is_cart_enabled is_catalog_visible language limit message_id name name_or_content page_number phone_number_id"
    " prefilled_message quality_score search since source_waba_id start status summary template_ids topic until usecase"
    " user user_wa_id".split()
)
"""Query parameters that are forwarded. Others could change the call (`method`) or carry a token (`access_token`)."""

NOT_FOR_META = frozenset({"access_token", "appsecret_proof", "batch", "ids", "method", "suppress_http_code"})
"""Fields of a body that Graph would read as parameters of the call itself."""

ACCOUNT_FIELDS = frozenset(
    "account_review_status business_verification_status country currency disable_marketing_messages_on_cloud_api id"
    " is_enabled_for_insights marketing_messages_lite_api_status marketing_messages_onboarding_status"
    " message_template_namespace name on_behalf_of_business_info owner_business_info ownership_type status"
    " subscribed_apps timezone_id".split()
)
"""Fields of an account that a key bound to numbers may read. Other fields contain data of other numbers."""


def kind_of(edge: str) -> str | None:
    """Return whether an edge belongs to a number, an account or a template; None for an edge that is not served."""
    return next((kind for kind, edges in _READ_WRITE.items() if edge in edges), None)


def scope_of(edge: str, method: str) -> str | None:
    """Return the scope that a call needs; None for a call that is not served."""
    kind = kind_of(edge)
    return _READ_WRITE[kind][edge].get(method) if kind else None


def scope_of_item(edge: str, method: str) -> str | None:
    """Return the scope that a call to one item of an edge needs; None for a call that is not served."""
    return _ITEMS.get(edge, {}).get(method)
