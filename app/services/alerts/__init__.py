"""Alerts: problems that a person must know about. Health checks and services raise them.

An alert is written (`raising`) as a row, an event and notification jobs in one transaction. A worker sends the
notifications (`notify`) by POST and mail (`channels`). `database_alert` works without the database, and `read` serves
the API.
"""

from app.services.alerts.database_alert import DatabaseAlert
from app.services.alerts.notify import NotifyAlerts, channel_kinds
from app.services.alerts.raising import Alerts
from app.services.alerts.read import list_alerts

__all__ = ["Alerts", "DatabaseAlert", "NotifyAlerts", "channel_kinds", "list_alerts"]
