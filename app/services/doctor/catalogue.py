"""The table of checks. A new check is a function over the context, and a line here."""

from __future__ import annotations

from app.services.doctor import (
    broker_checks,
    callback_checks,
    meta_checks,
    process_checks,
    settings_checks,
    storage_checks,
)
from app.services.doctor.types import Check

HERE, STORAGE, PROCESSES, META, CALLBACK = "settings", "storage", "processes", "meta", "callback"
"""The parts of the report, in their order."""

CHECKS: tuple[Check, ...] = (
    Check("settings", HERE, "Settings", settings_checks.settings, at_start=True),
    Check("secrets", HERE, "Strength of secrets", settings_checks.secrets, at_start=True),
    Check("env_file", HERE, "Who may read .env", settings_checks.env_file, at_start=True),
    Check("simulator", HERE, "Meta or simulator", settings_checks.simulator),
    Check("database", STORAGE, "Database: reachable, migrated, writable", storage_checks.database),
    Check("database_disk", STORAGE, "Database on a local disk", storage_checks.database_disk, at_start=True),
    Check("room", STORAGE, "Room on the disks", storage_checks.room, at_start=True),
    Check("log_folder", STORAGE, "Log folder", storage_checks.log_folder, at_start=True),
    Check("media_folder", STORAGE, "Folder of files", storage_checks.media_folder, at_start=True),
    Check("backups", STORAGE, "Backups are fresh", storage_checks.backups),
    Check("worker", PROCESSES, "A worker runs", process_checks.worker),
    Check("queues", PROCESSES, "The worker keeps up", process_checks.queues),
    Check("broker", PROCESSES, "Broker", broker_checks.broker),
    Check("shared_settings", PROCESSES, "All processes have the same settings", process_checks.shared_settings),
    Check("clock", PROCESSES, "Clock, against Meta's", process_checks.clock),
    Check("alerts", PROCESSES, "Open alerts", process_checks.alerts),
    Check("meta", META, "Meta answers", meta_checks.reachable),
    Check("graph_version", META, "Version of the Graph API", meta_checks.graph_version, at_start=True),
    Check("token", META, "Access token is valid", meta_checks.token),
    Check("token_kind", META, "Kind of token", meta_checks.token_kind),
    Check("token_scopes", META, "Permissions of the token", meta_checks.token_scopes),
    Check("app", META, "App id, app secret and token belong together", meta_checks.app),
    Check("number", META, "Number is registered", meta_checks.number),
    Check("number_verified", META, "Number is verified", meta_checks.number_verified),
    Check("number_name", META, "Display name", meta_checks.number_name),
    Check("quality", META, "Quality", meta_checks.number_quality),
    Check("limit", META, "People a day", meta_checks.number_limit),
    Check("payment", META, "Payment, and what keeps messages back", meta_checks.payment),
    Check("templates", META, "Templates", meta_checks.templates),
    Check("public_url", CALLBACK, "Public address", callback_checks.public_url),
    Check("handshake", CALLBACK, "Meta's handshake at the public address", callback_checks.handshake),
    Check("signed_webhook", CALLBACK, "A signed webhook through the public address", callback_checks.signed),
    Check("large_webhook", CALLBACK, "A webhook of 3 MB through the public address", callback_checks.large),
    Check("callback", CALLBACK, "Callback saved at Meta", callback_checks.at_meta),
    Check("subscription", CALLBACK, "App is subscribed to the account", callback_checks.subscribed),
    Check("override", CALLBACK, "Callbacks that override the app's", callback_checks.override),
)
