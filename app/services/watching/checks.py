"""What is looked at, and how often. A new alarm that is found by looking is one function and one line here."""

from __future__ import annotations

from app.domain import account_losses, account_news
from app.domain.holding import HeldFor
from app.services.watching import home, meta, sends, settings
from app.services.watching.look import Check

CHECKS: tuple[Check, ...] = (
    Check("token_dead", meta.token_dead, 15),
    Check("token_expiring", meta.token_expiring, 60),
    Check("number_paused", meta.number_paused, 15),
    Check("quality_low", meta.news(account_news.quality_low, "phone_number_quality_update"), 30),
    Check(
        "limit_lowered",
        meta.news(account_news.limit_lowered, "phone_number_quality_update", "business_capability_update"),
        30,
    ),
    Check("template_paused", meta.news(account_news.template_paused, "message_template_status_update"), 30),
    Check("account_restricted", meta.news(account_news.account_restricted, "account_update"), 30),
    Check("account_alert", meta.news(account_news.account_alert, "account_alerts"), 30),
    Check(
        "template_warned",
        meta.news(
            account_losses.template_warned, "message_template_status_update", "message_template_quality_update"
        ),
        30,
    ),
    Check("template_dearer", meta.news(account_losses.template_dearer, "template_category_update"), 30),
    Check("price_changed", meta.news(account_losses.price_changed, "account_update"), 30),
    Check("review_failed", meta.news(account_losses.review_failed, "account_review_update"), 30),
    Check("name_refused", meta.news(account_losses.name_refused, "phone_number_name_update"), 30),
    Check("username_lost", meta.news(account_losses.username_lost, "business_username_updates"), 30),
    Check("pin_changed", meta.news(account_losses.pin_changed, "security"), 30),
    Check("flow_failing", meta.news(account_losses.flow_failing, "flows"), 30),
    Check("worker_behind", home.worker_behind, 10),
    Check("quarantined", home.set_aside("quarantined"), 15),
    Check("parked", home.set_aside("parked"), 15),
    Check("sends_held", home.sends_held(HeldFor.UNKNOWN, HeldFor.UNLIKELY), 15),
    Check("sends_held_unsent", home.sends_held(HeldFor.TOKEN, HeldFor.ASKED), 15),
    Check("database_restored", home.sends_held(HeldFor.RESTORED), 15),
    Check("meta_unreachable", sends.meta_unreachable, 10),
    Check("queue_stuck", sends.queue_stuck, 15),
    Check("replies_expired", sends.replies_expired, 30),
    Check("not_permitted", sends.not_permitted, 30),
    Check("unknown_number", meta.unknown_number, 30),
    Check("silence", meta.silence, 30),
    Check("signature_refused", meta.signature_refused, 15),
    Check("encryption_key", home.encryption_key, 30),
    Check("endpoint_failing", home.endpoint_failing, 15),
    Check("clock_wrong", home.clock_wrong, 15),
    Check("settings_unequal", settings.settings_unequal, 10),
    Check("endpoint_changed", settings.endpoint_changed, 30),
    Check("deliveries_stuck", home.deliveries_stuck, 15),
    Check("endpoint_disabled", home.endpoint_disabled, 15),
    Check("disk_full", home.disk_full, 30),
    Check("wal_grows", home.wal_grows, 30),
    Check("storage_limit", home.storage_limit, 300),
    Check("graph_circle", home.graph_circle, 60),
    Check("graph_certificate", home.graph_certificate, 3600),
    Check("graph_version", meta.graph_version, 3600),
)
"""Every kind. What a service notices by itself it may raise at once, by `Alarms`."""
