"""Checks at Meta: is it reached, what are token, app, numbers and account worth, and which version of Graph is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from app.domain import meta_health, number_health
from app.domain.number_health import NEW_TOKEN, Finding
from app.domain.numbers import BusinessNumber
from app.errors import GraphError, GraphRefused, GraphUnauthorised
from app.graph.loop_guard import address_here
from app.graph.versions import expires_on
from app.services.doctor.context import Answer, DoctorContext
from app.services.doctor.types import Found, State, fail, ok, skipped, warn

VERSION_NOTICE = timedelta(days=90)

_STATES = {
    number_health.OK: State.OK, number_health.WARNING: State.WARN, number_health.PROBLEM: State.FAIL,
    number_health.UNKNOWN: State.WARN,
}  # fmt: skip
Reader = Callable[[number_health.Json], list[Finding | None]]
_STANDING = ("number", "status", "platform", "throughput")
NO_ANSWER = "Meta did not answer, or refused; another line says why."


def reachable(context: DoctorContext) -> Iterator[Found]:
    """Find that Meta does not answer, and that calls to it end here."""
    config = context.config
    here = address_here(config.graph_api_url, config.graph_hosts, config.graph_proxy)
    if here is not None:
        yield fail(
            f"Calls to Meta end here ({here}): its host name is directed to this machine or network.",
            "Remove the hosts entry, extra_hosts or DNS record here; only the application needs it.",
        )
        return
    found = context.date()
    if not isinstance(found, GraphError):
        yield ok(f"{config.graph_api_url} answers.")
        return
    reason = str((found.meta or {}).get("reason") or type(found).__name__)
    where = "the simulator, which ./run.sh starts" if config.simulator else "the internet, and GRAPH_API_URL"
    remedy = f"See whether this machine reaches {where}; behind a proxy set GRAPH_PROXY."
    yield fail(f"{config.graph_api_url} does not answer ({reason}).", remedy)


def graph_version(context: DoctorContext) -> Iterator[Found]:
    """Find a version of Graph that has ended, or does within 90 days."""
    version = context.config.graph_api_version
    ends = expires_on(version)
    if ends is None:
        yield ok(f"{version} has no known end.")
        return
    text = f"{version} {'ended' if ends < context.now().date() else 'ends'} on {ends.isoformat()}."
    remedy = "Set GRAPH_API_VERSION to a later one, as v26.0, and restart."
    if ends < context.now().date():
        yield fail(text, remedy)
    elif datetime(ends.year, ends.month, ends.day, tzinfo=UTC) - context.now() < VERSION_NOTICE:
        yield warn(text, remedy)
    else:
        yield ok(text)


def token(context: DoctorContext) -> Iterator[Found]:
    """Find tokens that are dead or about to expire."""
    for number, answer in _tokens(context):
        if not isinstance(answer, GraphError):
            yield _found(next(iter(number_health.read_token(answer, context.now(), number.waba_id))), number)
        elif isinstance(answer, GraphUnauthorised) and number.access_token:
            yield fail("Meta refuses the access token.", NEW_TOKEN, number.phone_number_id)
        elif isinstance(answer, GraphUnauthorised):
            yield fail(answer.message, "Put back the ENCRYPTION_KEY, or save the token again.", number.phone_number_id)
        else:
            yield skipped(NO_ANSWER, number.phone_number_id)


def token_kind(context: DoctorContext) -> Iterator[Found]:
    """Find temporary tokens and persons' tokens, which stop one day without a word."""
    for number, answer in _tokens(context):
        if isinstance(answer, GraphError) or answer.get("is_valid") is not True:
            yield skipped(NO_ANSWER, number.phone_number_id)
        else:
            yield _found(meta_health.read_kind(answer, context.now()), number)


def token_scopes(context: DoctorContext) -> Iterator[Found]:
    """Find permissions that the token lacks, or has for other accounts only."""
    for number, answer in _tokens(context):
        if isinstance(answer, GraphError) or answer.get("is_valid") is not True:
            yield skipped(NO_ANSWER, number.phone_number_id)
            continue
        for finding in list(number_health.read_token(answer, context.now(), number.waba_id))[1:]:
            yield _found(finding, number)


def app(context: DoctorContext) -> Iterator[Found]:
    """Find an app secret that is not the app's, and a token of another app than the number's."""
    config = context.config
    if not config.whatsapp_app_id:
        yield warn(
            "WHATSAPP_APP_ID is not set, so that app, callback and signature cannot be checked at Meta.",
            "Set WHATSAPP_APP_ID (App settings, Basic, of the Meta app), or run: flask connect.",
        )
        return
    said = context.subscriptions()
    if isinstance(said, GraphUnauthorised) or (isinstance(said, GraphRefused) and not _is_forbidden(said)):
        yield fail(
            "Meta does not take WHATSAPP_APP_ID with WHATSAPP_APP_SECRET: webhooks of this app will not be believed.",
            "Copy both again from App settings, Basic; the secret is shown by its Show button.",
        )
    elif isinstance(said, GraphError):
        yield skipped(NO_ANSWER)
    else:
        yield ok("App id and app secret belong together.")
    for number, answer in _tokens(context):
        finding = None if isinstance(answer, GraphError) else number_health.read_app(answer, number.app)
        if finding is not None:
            yield _found(finding, number)


def _is_forbidden(error: GraphRefused) -> bool:
    return (error.meta or {}).get("code") in (10, 200)


def number(context: DoctorContext) -> Iterator[Found]:
    """Find numbers that are unknown to Meta, not registered with the Cloud API, or restricted."""
    for one, answer in _numbers(context):
        if isinstance(answer, GraphUnauthorised):
            yield skipped(NO_ANSWER, one.phone_number_id)
        elif isinstance(answer, GraphRefused):
            yield fail(
                "Meta knows no such number, or the token does not reach it.",
                "WHATSAPP_PHONE_NUMBER_ID is the id beside the number under API Setup, not the number itself, nor the"
                " account's id; `flask connect` finds it.", one.phone_number_id,
            )  # fmt: skip
        elif isinstance(answer, GraphError):
            yield skipped(NO_ANSWER, one.phone_number_id)
        else:
            findings = list(number_health.read_number(answer, one.display_phone_number))
            standing = [each for each in findings if each.name in _STANDING]
            yield from _worst(standing, one, "It is registered, connected, and known to Meta.")


def number_verified(context: DoctorContext) -> Iterator[Found]:
    """Find numbers that nobody proved to be theirs."""
    yield from _of_numbers(context, lambda answer: [meta_health.read_verified(answer)])


def number_name(context: DoctorContext) -> Iterator[Found]:
    """Find display names that Meta declined, or still reviews."""
    yield from _of_numbers(context, lambda answer: _named(answer, "name"))


def number_quality(context: DoctorContext) -> Iterator[Found]:
    """Find numbers that people block or report."""
    yield from _of_numbers(context, lambda answer: _named(answer, "quality"))


def number_limit(context: DoctorContext) -> Iterator[Found]:
    """Tell how many people may be written to in a day."""
    yield from _of_numbers(context, lambda answer: [meta_health.read_limit(answer)])


def payment(context: DoctorContext) -> Iterator[Found]:
    """Find accounts without a payment method that works, and whatever else keeps messages back."""
    yield from _of_numbers(context, lambda answer: [*meta_health.read_health(answer)])


def templates(context: DoctorContext) -> Iterator[Found]:
    """Find templates that Meta paused, disabled or rejected."""
    for one in context.accounts():
        answer = context.templates(one)
        if isinstance(answer, GraphError):
            yield skipped(NO_ANSWER, one.waba_id)
            continue
        stopped = meta_health.stopped_templates(answer)
        for state, names in sorted(stopped.items()):
            shown = ", ".join(names[:5]) + (" and more" if len(names) > 5 else "")
            remedy = "Edit them in WhatsApp Manager, or by /api/templates, and let Meta review them again."
            yield warn(f"{len(names)} {state.lower()}: {shown}.", remedy, one.waba_id)
        if not stopped:
            count = len(answer.get("data") or [])
            yield ok(f"None of {count} is paused, disabled or rejected.", one.waba_id)


def _tokens(context: DoctorContext) -> Iterator[tuple[BusinessNumber, Answer]]:
    """Yield each token once, with the first number that uses it."""
    for one in {number.access_token: number for number in reversed(context.numbers())}.values():
        yield one, context.token(one)


def _numbers(context: DoctorContext) -> Iterator[tuple[BusinessNumber, Answer]]:
    for one in context.numbers():
        yield one, context.number(one)


def _of_numbers(context: DoctorContext, read: Reader) -> Iterator[Found]:
    for one, answer in _numbers(context):
        if isinstance(answer, GraphError):
            yield skipped(NO_ANSWER, one.phone_number_id)
            continue
        findings = [finding for finding in read(answer) if finding is not None]
        yield from (_found(finding, one) for finding in findings)
        if not findings:
            yield skipped("Meta does not say.", one.phone_number_id)


def _named(answer: number_health.Json, name: str) -> list[Finding | None]:
    return [finding for finding in number_health.read_number(answer, None) if finding.name == name]


def _worst(findings: list[Finding], one: BusinessNumber, well: str) -> Iterator[Found]:
    bad = [finding for finding in findings if finding.state != number_health.OK]
    yield from (_found(finding, one) for finding in bad)
    if not bad:
        yield ok(well, one.phone_number_id)


def _found(finding: Finding, one: BusinessNumber) -> Found:
    value = f" ({finding.value})" if finding.value else ""
    text = f"{finding.text.removesuffix('.')}{value}."
    return Found(_STATES[finding.state], text, finding.remedy, one.phone_number_id)
