"""Settings that are right one by one and wrong together, each with its remedy."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from app.config import retention_periods
from app.security.endpoint_urls import WrongUrl, check_url
from app.security.standard_webhooks import WrongSecret, read_secret

RUN_SH_MAKES_IT = "required; ./run.sh makes one when there is no .env, .env.example shows how to make one by hand"


def contradictions(given: Mapping[str, Any], defaults: Mapping[str, Any], on_platform: bool) -> list[str]:
    """Return what each setting allows and all together do not.

    `given` holds the settings that are set, by field name, and `defaults` what counts for the others. `on_platform`
    says that a router calls and that the disk is thrown away.
    """
    effective = ChainMap(dict(given), dict(defaults))
    port = effective["port"]
    if given["simulator"]:
        wrong = {
            f"SIMULATOR_APP_SECRET: {RUN_SH_MAKES_IT}": "simulator_app_secret" not in given,
            "PORT: must be below 65535, because the simulator listens on the next one": port == 65535,
        }
    else:
        wrong = {
            "WHATSAPP_ACCESS_TOKEN: required where SIMULATOR is false; a system user's token, from Meta's business"
            " settings": "whatsapp_access_token" not in given,
            "WHATSAPP_APP_SECRET: required with an access token, because without it anybody could forge webhooks; Meta"
            " shows it under App settings, Basic": "whatsapp_app_secrets" not in given,
            "WHATSAPP_PHONE_NUMBER_ID: required with an access token; Meta shows it under WhatsApp, API Setup": (
                "whatsapp_phone_number_id" not in given
            ),
        }
    wrong |= _forwarding(given, effective)
    for store in ("MEDIA_S3", "BACKUP_S3"):
        keys = (f"{store}_ACCESS_KEY", f"{store}_SECRET_KEY")
        wrong[f"{' and '.join(keys)}: both or none; without them the machine's own role is used"] = (
            (keys[0].lower() in given) != (keys[1].lower() in given)
        )
    kept = (effective[name] for name in retention_periods.COMPARED)
    wrong |= retention_periods.contradictions(*kept)
    wrong["SMTP_URL: required with ALERT_EMAIL; the server that takes the mail, as smtp://user:password@host:587"] = (
        "alert_email" in given and "smtp_url" not in given
    )
    wrong["INBOX_USER_HEADER: needs TRUSTED_PROXIES, because anybody could set the header where no proxy does"] = (
        "inbox_user_header" in given and not effective["trusted_proxies"]
    )
    wrong["METRICS_PORT: must not be PORT; leave it empty, or choose another"] = given.get("metrics_port") == port
    wrong["DATABASE_URL: must be a PostgreSQL database where DYNO is set, because this host throws its disk away"] = (
        on_platform and effective["database_url"].startswith("sqlite")
    )
    wrong[
        "BROKER_URL (or CLOUDAMQP_URL, RABBITMQ_URL): needs PostgreSQL, because SQLite is a file on one machine, which"
        " needs no broker; set DATABASE_URL to a PostgreSQL database, or unset the broker"
    ] = bool(given.get("broker_url")) and effective["database_url"].startswith("sqlite")
    return [problem for problem, is_so in wrong.items() if is_so]


def _forwarding(given: Mapping[str, Any], effective: Mapping[str, Any]) -> dict[str, bool]:
    secret, is_secret = given.get("forward_secret", ""), True
    if secret and effective["forward_format"] == "event":
        try:
            read_secret(secret)
        except WrongSecret:
            is_secret = False
    return _uncallable(given) | {
        "FORWARD_SECRET: required with FORWARD_URL, because without it anybody could forge events; make one as"
        " .env.example shows": "forward_url" in given and not secret,
        "FORWARD_SECRET: must be whsec_ followed by the base64 of 24 to 64 random bytes; .env.example shows how to"
        " make one": not is_secret,
    }


def _uncallable(given: Mapping[str, Any]) -> dict[str, bool]:
    """Say why FORWARD_URL could never be called, if so. Whoever started with it would learn that by lost events."""
    try:
        if given.get("forward_url"):
            check_url(given["forward_url"], given.get("forward_allow_nets", ()))
    except WrongUrl as wrong:
        return {f"FORWARD_URL: {wrong}": True}
    return {}
