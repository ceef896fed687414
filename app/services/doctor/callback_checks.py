"""Checks of the callback: its address, Meta's handshake, signed webhooks small and large, and what Meta has on file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain import meta_health, number_health
from app.errors import GraphError
from app.services.doctor.callback import LARGEST, PublicCallback, Trouble
from app.services.doctor.context import DoctorContext
from app.services.doctor.meta_checks import NO_ANSWER
from app.services.doctor.types import Found, fail, ok, skipped, warn

NEEDED = "messages"
"""The field without which no message comes."""


def public_url(context: DoctorContext) -> Iterator[Found]:
    """Find that the gateway has no public address, or one that Meta cannot call."""
    if not context.config.public_url:
        yield _without_address(context)
        return
    trouble = _address(context)
    if trouble is not None:
        yield fail(trouble.text, trouble.remedy)
    else:
        yield ok(f"{context.config.public_url} can be called from outside, as far as its name tells.")


def _without_address(context: DoctorContext) -> Found:
    if context.config.simulator:
        return skipped("PUBLIC_URL is not set, and the simulator needs none.")
    return warn(
        "PUBLIC_URL is not set, so that the callback can be neither checked nor saved at Meta.",
        "Set PUBLIC_URL to the https address that leads here, as https://wa.example.org (docs/connect.md).",
    )


def handshake(context: DoctorContext) -> Iterator[Found]:
    """Make the handshake that Meta makes when a callback is saved."""
    if not _is_callable(context):
        yield skipped("There is no address to call.")
        return
    trouble = _shaken(context)
    if trouble is not None:
        yield fail(trouble.text, trouble.remedy, context.callback_url)
    else:
        yield ok("The challenge comes back.", context.callback_url)


def signed(context: DoctorContext) -> Iterator[Found]:
    """Post a signed trial, and compare what arrives with what went out."""
    if not _is_callable(context):
        yield skipped("There is no address to call.")
        return
    if _shaken(context) is not None:
        yield skipped("The handshake does not pass, either.")
        return
    trouble, told = _posted(context, 0)
    if trouble is not None:
        yield fail(trouble.text, trouble.remedy, context.callback_url)
        return
    yield ok("A signed webhook arrives as it was sent, and is believed.", context.callback_url)
    yield from _proxies(context, told)


def _proxies(context: DoctorContext, told: Mapping[str, Any]) -> Iterator[Found]:
    is_https = context.callback_url.startswith("https:")
    if told.get("behind_proxy") and not told.get("trusted_proxies"):
        yield warn(
            "A proxy is in front, and TRUSTED_PROXIES is 0: callers' addresses in the log are the proxy's.",
            "Set TRUSTED_PROXIES to the number of proxies in front, as 1.", "TRUSTED_PROXIES",
        )  # fmt: skip
    elif is_https and told.get("scheme") == "http":
        yield warn(
            "The gateway takes https calls for http: no proxy tells it the scheme.",
            "Let the proxy send X-Forwarded-Proto, and set TRUSTED_PROXIES to the number of proxies in front.",
            "TRUSTED_PROXIES",
        )


def large(context: DoctorContext) -> Iterator[Found]:
    """Post a signed trial as large as Meta's largest."""
    if not _is_callable(context):
        yield skipped("There is no address to call.")
        return
    if _shaken(context) is not None or _posted(context, 0)[0] is not None:
        yield skipped("A small one does not arrive, either.")
        return
    trouble, _ = _posted(context, LARGEST)
    if trouble is None:
        yield ok("A webhook of 3 MB, Meta's largest, arrives.", context.callback_url)
    elif trouble.name in ("timeout", "reset", "unreachable"):
        yield warn(
            f"A webhook of 3 MB does not arrive: {trouble.text}",
            "Allow 4 MB in the proxy (client_max_body_size 4m;). Over a slow line from here it may be no fault.",
            context.callback_url,
        )
    else:
        yield fail(trouble.text, trouble.remedy, context.callback_url)


def at_meta(context: DoctorContext) -> Iterator[Found]:
    """Compare the callback that Meta has on file with ours."""
    if not context.app_token:
        yield skipped("The app's id and secret are needed to ask.")
        return
    said = context.subscriptions()
    if isinstance(said, GraphError):
        yield skipped(NO_ANSWER)
        return
    url, active, fields = meta_health.app_callback(said)
    again = "Run: flask connect."
    if not url:
        yield fail(
            "No callback is saved at Meta, so that no webhook comes.",
            "Run: flask doctor --fix, or flask connect.", fix="set_callback" if context.callback_url else None,
        )  # fmt: skip
    elif not active:
        yield fail(
            "Meta has switched the callback off, as after many failed deliveries.", "Run: flask doctor --fix.",
            fix="set_callback" if url == context.callback_url else None,
        )  # fmt: skip
    elif context.callback_url and url != context.callback_url:
        yield fail(
            f"Meta sends the app's webhooks to {url[:200]}, and not to {context.callback_url}.",
            "If that is no longer meant, run: flask connect --replace-callback. Or correct PUBLIC_URL.",
        )
    elif fields and NEEDED not in fields:
        yield fail("The app is not subscribed to the field `messages`.", again, fix="set_callback")
    else:
        yield ok(f"Meta has {url[:200]}.")


def subscribed(context: DoctorContext) -> Iterator[Found]:
    """Find business accounts whose webhooks the app does not hear."""
    if not context.accounts():
        yield warn(
            "No business account is known.", "Set WHATSAPP_BUSINESS_ACCOUNT_ID, or run: flask connect."
        )
    for one in context.accounts():
        said, token = context.subscribed(one), context.token(one)
        if isinstance(said, GraphError):
            yield skipped(NO_ANSWER, one.waba_id)
            continue
        app_id = None if isinstance(token, GraphError) else token.get("app_id")
        finding = number_health.read_subscription(said, app_id if isinstance(app_id, str) else None, str(one.waba_id))
        if finding.state == number_health.OK:
            yield ok("The app hears of the account.", one.waba_id)
        else:
            yield fail(
                "The app is not subscribed to the account, so that no webhook of it comes.",
                "Run: flask doctor --fix, or flask connect.", one.waba_id, "subscribe_app",
            )  # fmt: skip


def override(context: DoctorContext) -> Iterator[Found]:
    """Find numbers and accounts whose messages go to another address than the app's."""
    asked = found = False
    for one in context.numbers():
        if not one.waba_id:
            continue
        number, apps = context.number(one), context.subscribed(one)
        if isinstance(number, GraphError) or isinstance(apps, GraphError):
            yield skipped(NO_ANSWER, one.phone_number_id)
            continue
        asked = True
        for url in meta_health.overrides(number, apps, context.callback_url):
            found = True
            yield (fail if context.callback_url else warn)(
                f"Its messages go to {url[:200]} instead of the app's callback.",
                "Take the override away: POST /<phone number id> with webhook_configuration.override_callback_uri"
                ' "", or subscribe the account again without override_callback_uri; or point it here.',
                one.phone_number_id,
            )
    if asked and not found:
        yield ok("No number and no account has a callback of its own elsewhere.")


def _callback(context: DoctorContext) -> PublicCallback:
    def make() -> PublicCallback:
        return PublicCallback(context.callback_url, context.config.secret_key, local=context.config.simulator)

    found: PublicCallback = context.answers.get(("callback",), make)
    return found


def _address(context: DoctorContext) -> Trouble | None:
    found: Trouble | None = context.answers.get(("callback", "address"), _callback(context).address)
    return found


def _is_callable(context: DoctorContext) -> bool:
    """Whether there is an address, and its name leads anywhere. One that leads inside is called all the same."""
    if not context.config.public_url:
        return False
    trouble = _address(context)
    return trouble is None or trouble.name in ("private", "http")


def _shaken(context: DoctorContext) -> Trouble | None:
    token = context.config.whatsapp_verify_token
    found: Trouble | None = context.answers.get(
        ("callback", "handshake"), lambda: _callback(context).shake_hands(token)
    )
    return found


def _posted(context: DoctorContext, size: int) -> tuple[Trouble | None, Mapping[str, Any]]:
    secret = context.config.whatsapp_app_secrets[0]
    found: tuple[Trouble | None, Mapping[str, Any]] = context.answers.get(
        ("callback", f"post {size}"), lambda: _callback(context).post_signed(secret, size)
    )
    return found
