"""The table of checks. A new check is a function over the context, and a line here."""

from __future__ import annotations

from app.domain.words import N_
from app.services.doctor import (
    broker_checks,
    callback_checks,
    meta_checks,
    process_checks,
    server_checks,
    settings_checks,
    storage_checks,
)
from app.services.doctor.types import Check

HERE, STORAGE, PROCESSES, META, CALLBACK = "settings", "storage", "processes", "meta", "callback"
"""The parts of the report, in their order."""

CHECKS: tuple[Check, ...] = (
    Check("settings", HERE, N_("Settings"), settings_checks.settings, at_start=True),
    Check("secrets", HERE, N_("Strength of secrets"), settings_checks.secrets, at_start=True),
    Check("env_file", HERE, N_("Who may read .env"), settings_checks.env_file, at_start=True),
    Check("simulator", HERE, N_("Meta or simulator"), settings_checks.simulator),
    Check("database", STORAGE, N_("Database: reachable, migrated, writable"), storage_checks.database),
    Check("database_disk", STORAGE, N_("Database on a local disk"), storage_checks.database_disk, at_start=True),
    Check("room", STORAGE, N_("Room on the disks"), storage_checks.room, at_start=True),
    Check("log_folder", STORAGE, N_("Log folder"), storage_checks.log_folder, at_start=True),
    Check("media_folder", STORAGE, N_("Folder of files"), storage_checks.media_folder, at_start=True),
    Check("bucket", STORAGE, N_("Store of files"), server_checks.bucket),
    Check("backups", STORAGE, N_("Backups are fresh"), storage_checks.backups),
    Check("worker", PROCESSES, N_("A worker runs"), process_checks.worker),
    Check("queues", PROCESSES, N_("The worker keeps up"), process_checks.queues),
    Check("broker", PROCESSES, N_("Broker"), broker_checks.broker),
    Check("cache", PROCESSES, N_("Cache in Redis"), server_checks.cache),
    Check("servers", PROCESSES, N_("Other servers that the settings name"), server_checks.named),
    Check("shared_settings", PROCESSES, N_("All processes have the same settings"), process_checks.shared_settings),
    Check("clock", PROCESSES, N_("Clock, against Meta's"), process_checks.clock),
    Check("alerts", PROCESSES, N_("Open alerts"), process_checks.alerts),
    Check("meta", META, N_("Meta answers"), meta_checks.reachable),
    Check("graph_version", META, N_("Version of the Graph API"), meta_checks.graph_version, at_start=True),
    Check("token", META, N_("Access token is valid"), meta_checks.token),
    Check("token_kind", META, N_("Kind of token"), meta_checks.token_kind),
    Check("token_scopes", META, N_("Permissions of the token"), meta_checks.token_scopes),
    Check("app", META, N_("App id, app secret and token belong together"), meta_checks.app),
    Check("number", META, N_("Number is registered"), meta_checks.number),
    Check("number_verified", META, N_("Number is verified"), meta_checks.number_verified),
    Check("number_name", META, N_("Display name"), meta_checks.number_name),
    Check("quality", META, N_("Quality"), meta_checks.number_quality),
    Check("limit", META, N_("People a day"), meta_checks.number_limit),
    Check("payment", META, N_("Payment, and what keeps messages back"), meta_checks.payment),
    Check("templates", META, N_("Templates"), meta_checks.templates),
    Check("public_url", CALLBACK, N_("Public address"), callback_checks.public_url),
    Check("handshake", CALLBACK, N_("Meta's handshake at the public address"), callback_checks.handshake),
    Check("signed_webhook", CALLBACK, N_("A signed webhook through the public address"), callback_checks.signed),
    Check("large_webhook", CALLBACK, N_("A webhook of 3 MB through the public address"), callback_checks.large),
    Check("callback", CALLBACK, N_("Callback saved at Meta"), callback_checks.at_meta),
    Check("subscription", CALLBACK, N_("App is subscribed to the account"), callback_checks.subscribed),
    Check("override", CALLBACK, N_("Callbacks that override the app's"), callback_checks.override),
)
