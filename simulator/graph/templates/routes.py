"""Graph's templates: list, create, edit, delete."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from simulator.faults.gate import through_faults
from simulator.graph.auth import calling_app, visible_account
from simulator.graph.blueprint import graph_blueprint, page_of, request_body
from simulator.graph.errors import GraphRefusal, unknown_object
from simulator.graph.templates import review
from simulator.graph.templates.creation import CREATION, EDIT, upper_types
from simulator.graph.templates.samples import check_samples
from simulator.graph.templates.store import Template
from simulator.world.simulator import current

blueprint = graph_blueprint("templates")
_FILTERS = ("name", "language", "status", "category")


@blueprint.get("/<waba_id>/message_templates")
def list_templates(waba_id: str) -> Response:
    """The account's templates, filtered by any of name, language, status and category."""
    simulator = current()
    visible_account(simulator, calling_app(simulator), waba_id)
    wanted = {name: request.args[name] for name in _FILTERS if name in request.args}
    shown = [template.to_json() for template in simulator.world.templates.of_account(waba_id)]
    matching = [item for item in shown if all(item[name] == value for name, value in wanted.items())]
    fields = [name.strip() for name in request.args.get("fields", "").split(",") if name.strip()]
    picked = [{key: item[key] for key in item if not fields or key in (*fields, "id")} for item in matching]
    count = len(shown)
    summary = {"total_count": count, "message_template_count": count, "message_template_limit": 250}
    more = {"summary": summary | {"are_translations_complete": True}} if "summary" in request.args else {}
    return through_faults(simulator, "management", lambda: page_of(picked, **more))


@blueprint.post("/<waba_id>/message_templates")
def create(waba_id: str) -> Response:
    """Submit a template to the review."""
    simulator = current()
    app = calling_app(simulator)
    visible_account(simulator, app, waba_id)
    body = upper_types(request_body())
    CREATION(body, "")
    check_samples(simulator.world.uploads, app, body["components"])

    def answer() -> Response:
        shape = str(body.get("parameter_format", "POSITIONAL")).upper()
        template = simulator.world.templates.add(
            waba_id, body["name"], body["language"], body["category"], body["components"], shape
        )
        review.submit(simulator, template)
        return jsonify({"id": template.id, "status": template.status, "category": template.category})

    return through_faults(simulator, "management", answer)


@blueprint.delete("/<waba_id>/message_templates")
def delete(waba_id: str) -> Response:
    """Delete by `hsm_id`, by `hsm_ids`, or every language of a `name`."""
    simulator = current()
    visible_account(simulator, calling_app(simulator), waba_id)
    doomed = [template for template in simulator.world.templates.of_account(waba_id) if _is_named(template)]
    if not doomed:
        raise GraphRefusal(100, "Message template does not exist", "(#100) Invalid parameter")
    for template in doomed:
        simulator.world.templates.remove(template)
    return jsonify({"success": True})


def edit(template: Template) -> dict[str, Any]:
    """Change a template by its id; it goes back to the review."""
    if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
        raise GraphRefusal(100, "A template can be edited once it is approved, rejected or paused")
    body = upper_types(request_body())
    EDIT(body, "")
    check_samples(current().world.uploads, calling_app(current()), body.get("components", []))
    template.components = body.get("components", template.components)
    template.category = body.get("category", template.category)
    template.status = "PENDING"
    review.submit(current(), template)
    return {"success": True}


def visible_template(template_id: str) -> Template:
    """A template by its id, if the calling app may see its account."""
    simulator = current()
    template = simulator.world.templates.get(template_id)
    if template is None:
        raise unknown_object(template_id, request.method)
    visible_account(simulator, calling_app(simulator), template.waba_id)
    return template


def _is_named(template: Template) -> bool:
    listed = request.args.get("hsm_ids", "").strip("[]").replace('"', "").split(",")
    ids = {item.strip() for item in (*listed, request.args.get("hsm_id", "")) if item.strip()}
    if ids:
        return template.id in ids
    return template.name == request.args.get("name")
