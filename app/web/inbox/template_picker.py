"""Choose a template, fill it in, see what the customer will see, and send it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.domain.template_parameters import BadValues, Template, content, places
from app.errors import AnsweredMeanwhile, GatewayError, GraphError
from app.services.conversations import Conversation
from app.web.context import gateway
from app.web.inbox.access import pages
from app.web.inbox.answers import answer, done, problem_words
from app.web.inbox.asked import Asked
from app.web.inbox.conversation_urls import ConversationUrls
from app.web.inbox.icons import sprite
from app.web.inbox.listing import row
from app.web.inbox.rendering import one_line, read_template
from app.web.inbox.rendering.files import own_path
from app.web.inbox.team import names, numbers

bp = pages(
    "agent", Blueprint("inbox_templates", __name__, url_prefix="/inbox/<string(length=36):conversation_id>/templates")
)


@bp.get("")
def index(conversation_id: str) -> ResponseReturnValue:
    """List the approved templates of the conversation's number, and show the one that is chosen."""
    conversation = gateway().conversations.one(conversation_id, numbers())
    return _page(conversation)


@bp.post("")
def send(conversation_id: str) -> ResponseReturnValue:
    """Send a template with what was filled in."""
    conversation = gateway().conversations.one(conversation_id, numbers())
    try:
        template = gateway().templates.find(conversation.phone_number_id, *_named(request.form))
        filled = content(template, _values(template, request.form))
        message_id = answer(conversation, {"type": "template", "template": filled})
    except BadValues as error:
        return _page(conversation, 422, problems={place: _problem(kind) for place, kind in error.problems.items()})
    except AnsweredMeanwhile:
        return _page(conversation, 409, crossed=True, problem=str(_("Somebody answered meanwhile: look at it first.")))
    except GatewayError as error:
        return _page(conversation, 422, problem=problem_words(error))
    return done(conversation, message_id)


def _page(conversation: Conversation, status: int = 200, **more: Any) -> ResponseReturnValue:
    asked, given = Asked.read(request.args), request.form or request.args
    urls = ConversationUrls(conversation.id, asked)
    name, language = _named(given)
    found: list[Template] = []
    problem = ""
    try:
        found = gateway().templates.list(conversation.phone_number_id)
    except GatewayError as error:
        problem = _unavailable(error)
    chosen = next((each for each in found if (each.name, each.language) == (name, language)), None)
    values = _values(chosen, given) if chosen else {}
    return (
        render_template(
            "inbox/composer/picker.html",
            **{
                "row": row(conversation, urls.of, names(), gateway().now()),
                "urls": urls,
                "sprite": sprite,
                "choices": [_choice(each, urls, each is chosen) for each in found],
                "chosen": chosen,
                "places": places(chosen) if chosen else (),
                "values": values,
                "preview": _preview(chosen, values) if chosen else None,
                "key": given.get("key", "")[:64] or str(uuid.uuid4()),
                "problems": {},
                "problem": problem,
                **more,
            },
        ),
        status,
    )


def _choice(template: Template, urls: ConversationUrls, is_chosen: bool) -> dict[str, Any]:
    body = next((str(each.get("text", "")) for each in template.components if each.get("type") == "BODY"), "")
    address = url_for(
        "inbox_templates.index", conversation_id=urls.id, name=template.name, language=template.language,
        **urls.asked.query(),
    )  # fmt: skip
    return {
        "name": template.name,
        "language": template.language,
        "category": template.category.lower(),
        "text": one_line(body),
        "url": address,
        "is_chosen": is_chosen,
        "can_be_filled": template.can_be_filled,
    }


def _preview(template: Template, values: Mapping[str, str]) -> Any:
    """Return the template as the customer will see it; places without a value show their names."""
    shown = {place.id: values.get(place.id) or f"{{{{{place.id.partition('.')[2]}}}}}" for place in places(template)}
    try:
        filled = content(template, shown)
    except BadValues:
        filled = {"name": template.name, "language": {"code": template.language}}
    return read_template(filled, {"components": list(template.components)}, own_path)


def _named(given: Mapping[str, str]) -> tuple[str, str]:
    return given.get("name", "")[:512], given.get("language", "")[:20]


def _values(template: Template, given: Mapping[str, str]) -> dict[str, str]:
    return {place.id: given.get(f"value.{place.id}", "")[:2000] for place in places(template)}


def _problem(kind: str) -> str:
    words = {
        "missing": _("Fill this in."),
        "too_long": _("At most 1,024 letters."),
        "broken_line": _("One line without tabs, and no more than four spaces in a row."),
    }
    return str(words[kind])


def _unavailable(error: GatewayError) -> str:
    if isinstance(error, GraphError):
        return str(_("WhatsApp does not tell the templates at the moment. Try again."))
    return error.message
