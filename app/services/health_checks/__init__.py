"""Health checks: functions that find problems. A worker runs them at intervals, and raises and closes alerts.

`catalogue` lists them. They are grouped by subject (`internal_checks`, `meta_checks`, `send_checks`,
`settings_checks`, `tokens`). Each gets a `CheckContext` and returns findings (`context`); `run` compares the findings
with the open alerts.
"""

from app.services.health_checks.run import RunHealthChecks

__all__ = ["RunHealthChecks"]
