"""Manage the user's endpoints, and detect those that accept events without processing them.

`manage` adds, changes, tests and removes endpoints for the API and the commands. `sync_handlers` keeps one endpoint for
each Python handler of the user's module. `graph_subscriptions` makes endpoints from the subscriptions of applications
that were written for Meta's API. `silence` detects endpoints that answer 200 and have no further effect.
"""

from app.services.endpoints.graph_subscriptions import OBJECT, GraphSubscriptions
from app.services.endpoints.manage import ManageEndpoints
from app.services.endpoints.silence import DetectSilence
from app.services.endpoints.sync_handlers import SyncHandlers

__all__ = [
    "OBJECT",
    "DetectSilence",
    "GraphSubscriptions",
    "ManageEndpoints",
    "SyncHandlers",
]
