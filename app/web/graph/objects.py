"""Graph's objects, `/<id>`, and what hangs on them, `/<id>/<edge>`: an allow-list, handed on with our tokens."""

from __future__ import annotations

from flask import Response

from app.errors import NotFound
from app.web.auth import caller
from app.web.context import gateway
from app.web.graph import overrides
from app.web.graph.answers import answer
from app.web.graph.describing import describe_graph
from app.web.graph.reading import query
from app.web.openapi.operations import ANY_OBJECT


@describe_graph("getObject", "Graph objects", "read")
def read(object_id: str) -> Response:
    """Show a number, an account, a file or a template, as Graph does."""
    return answer(gateway().graph_proxy.read(object_id, query()))


@describe_graph("changeObject", "Graph objects", "admin", body=ANY_OBJECT)
def change(object_id: str) -> Response:
    """Change a number's own webhook, or a template.

    The webhook becomes an endpoint of the gateway, for that number, after its handshake; it is never handed on to Meta.
    """
    asked = query(with_body=True)
    kept = overrides.of_number(object_id, asked)
    return answer(gateway().graph_proxy.change(object_id, asked)) if kept is None else kept


@describe_graph("deleteObject", "Graph objects", "send")
def delete(object_id: str) -> Response:
    """Delete a file."""
    deleted = gateway().graph_proxy.delete(object_id, query())
    gateway().upload_media.forget_copy(object_id, caller().numbers)
    return answer(deleted)


@describe_graph("getEdge", "Graph objects", "read")
def read_edge(object_id: str, edge: str) -> Response:
    """List what belongs to a number or an account: templates, numbers, the block list and others."""
    return answer(gateway().graph_proxy.edge("GET", object_id, edge, query()))


@describe_graph("changeEdge", "Graph objects", "admin", body=ANY_OBJECT)
def change_edge(object_id: str, edge: str) -> Response:
    """Add to what belongs to a number or an account, or change it.

    The scope is `send` for the block list, else `admin`. `subscribed_apps` with a callback makes an endpoint of the
    gateway, for the numbers of that account, after its handshake; it is never handed on to Meta.
    """
    asked = query(with_body=True)
    kept = overrides.of_account(object_id, edge, asked)
    return answer(gateway().graph_proxy.edge("POST", object_id, edge, asked)) if kept is None else kept


@describe_graph("deleteEdge", "Graph objects", "admin")
def delete_edge(object_id: str, edge: str) -> Response:
    """Remove from what belongs to a number or an account. The scope is `send` for the block list, else `admin`.

    `subscribed_apps` removes the callback that an application set for the account; if none did, Meta is asked.
    """
    kept = overrides.remove_of_account(object_id, edge)
    if kept is not None:
        return kept
    return answer(gateway().graph_proxy.edge("DELETE", object_id, edge, query(with_body=True)))


@describe_graph("getItem", "Graph objects", "read")
def read_item(object_id: str, edge: str, item_id: str) -> Response:
    """Show one item of an edge: a QR code of a number's, a template of an account's."""
    return answer(gateway().graph_proxy.item("GET", object_id, edge, item_id, query()))


@describe_graph("changeItem", "Graph objects", "admin", body=ANY_OBJECT)
def change_item(object_id: str, edge: str, item_id: str) -> Response:
    """Change one item of an edge."""
    return answer(gateway().graph_proxy.item("POST", object_id, edge, item_id, query(with_body=True)))


@describe_graph("deleteItem", "Graph objects", "admin")
def delete_item(object_id: str, edge: str, item_id: str) -> Response:
    """Delete one item of an edge."""
    return answer(gateway().graph_proxy.item("DELETE", object_id, edge, item_id, query(with_body=True)))


@describe_graph("getAnything", "Graph objects", "read", hidden=True)
def nothing(anything: str) -> Response:
    """Whatever else: an object that does not exist, as Graph says."""
    raise NotFound


@describe_graph("changeAnything", "Graph objects", "admin", hidden=True)
def nothing_to_change(anything: str) -> Response:
    """Nor does it when something is sent to it."""
    raise NotFound


@describe_graph("deleteAnything", "Graph objects", "admin", hidden=True)
def nothing_to_delete(anything: str) -> Response:
    """Nor is there anything to delete."""
    raise NotFound
