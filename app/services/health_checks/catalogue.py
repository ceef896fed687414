"""The list of health checks with their intervals. A new check is one function and one line here."""

from __future__ import annotations

from app.domain import account_losses, account_news
from app.domain.holds import HeldFor
from app.services.health_checks import (
    internal_checks,
    media_checks,
    meta_checks,
    send_checks,
    settings_checks,
    upkeep_checks,
)
from app.services.health_checks.context import Check
from app.services.operations import ENDPOINT_CHANGED, WORKER_REFUSED

CHECKS: tuple[Check, ...] = (
    Check("token_dead", meta_checks.token_dead, 15),
    Check("token_expiring", meta_checks.token_expiring, 60),
    Check("number_paused", meta_checks.number_paused, 15),
    Check("quality_low", meta_checks.news(account_news.quality_low, "phone_number_quality_update"), 30),
    Check(
        "limit_lowered",
        meta_checks.news(account_news.limit_lowered, "phone_number_quality_update", "business_capability_update"),
        30,
    ),
    Check("template_paused", meta_checks.news(account_news.template_paused, "message_template_status_update"), 30),
    Check("account_restricted", meta_checks.news(account_news.account_restricted, "account_update"), 30),
    Check("account_alert", meta_checks.news(account_news.account_alert, "account_alerts"), 30),
    Check(
        "template_warned",
        meta_checks.news(
            account_losses.template_warned, "message_template_status_update", "message_template_quality_update"
        ),
        30,
    ),
    Check("template_dearer", meta_checks.news(account_losses.template_dearer, "template_category_update"), 30),
    Check("price_changed", meta_checks.news(account_losses.price_changed, "account_update"), 30),
    Check("review_failed", meta_checks.news(account_losses.review_failed, "account_review_update"), 30),
    Check("name_refused", meta_checks.news(account_losses.name_refused, "phone_number_name_update"), 30),
    Check("username_lost", meta_checks.news(account_losses.username_lost, "business_username_updates"), 30),
    Check("pin_changed", meta_checks.news(account_losses.pin_changed, "security"), 30),
    Check("flow_failing", meta_checks.news(account_losses.flow_failing, "flows"), 30),
    Check("worker_behind", internal_checks.worker_behind, 10),
    Check("quarantined", internal_checks.set_aside("quarantined"), 15),
    Check("parked", internal_checks.set_aside("parked"), 15),
    Check("sends_held", internal_checks.sends_held(HeldFor.UNKNOWN, HeldFor.UNLIKELY), 15),
    Check("sends_held_unsent", internal_checks.sends_held(HeldFor.TOKEN, HeldFor.ASKED), 15),
    Check("database_restored", internal_checks.sends_held(HeldFor.RESTORED), 15),
    Check("meta_unreachable", send_checks.meta_unreachable, 10),
    Check("queue_stuck", send_checks.queue_stuck, 15),
    Check("replies_expired", send_checks.replies_expired, 30),
    Check("not_permitted", send_checks.not_permitted, 30),
    Check("unknown_number", meta_checks.unknown_number, 30),
    Check("silence", meta_checks.silence, 30),
    Check("signature_refused", meta_checks.signature_refused, 15),
    Check("encryption_key", internal_checks.encryption_key, 30),
    Check("endpoint_failing", internal_checks.endpoint_failing, 15),
    Check("clock_wrong", internal_checks.clock_wrong, 15),
    Check("settings_unequal", settings_checks.settings_unequal, 10),
    Check(ENDPOINT_CHANGED, settings_checks.told_lately(ENDPOINT_CHANGED), 30),
    Check(WORKER_REFUSED, settings_checks.told_lately(WORKER_REFUSED), 30),
    Check("deliveries_stuck", internal_checks.deliveries_stuck, 15),
    Check("endpoint_disabled", internal_checks.endpoint_disabled, 15),
    Check("media_failing", media_checks.media_failing, 30),
    Check("disk_full", internal_checks.disk_full, 30),
    Check("wal_grows", internal_checks.wal_grows, 30),
    Check("broker_away", upkeep_checks.broker_away, 10),
    Check("books_unbalanced", upkeep_checks.books_unbalanced, 60),
    Check("work_failing", upkeep_checks.work_failing, 15),
    Check("work_stuck", upkeep_checks.work_stuck, 30),
    Check("backup_late", upkeep_checks.backup_late, 60),
    Check("storage_limit", internal_checks.storage_limit, 300),
    Check("graph_circle", internal_checks.graph_circle, 60),
    Check("graph_certificate", internal_checks.graph_certificate, 3600),
    Check("graph_version", meta_checks.graph_version, 3600),
)
"""All checks. A service that notices a problem by itself raises its alert directly, by `Alerts`."""
