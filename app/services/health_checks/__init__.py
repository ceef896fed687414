"""Health checks: functions that find problems, run at intervals by a worker, which raise and close alerts.

`catalogue` lists them. They are grouped by what they look at (`internal_checks`, `meta_checks`, `send_checks`,
`settings_checks`, `tokens`), get a `CheckContext` and return findings (`context`); `run` compares these with the open
alerts.
"""

from app.services.health_checks.run import RunHealthChecks

__all__ = ["RunHealthChecks"]
