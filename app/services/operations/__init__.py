"""Report the state of an installation to its operators.

`readiness` answers `/readyz`. `traffic` counts messages and statuses, for `stats` and `series`. `overview` tells how
the queues are now, `state` the same and more for Prometheus. `audit` compares the acknowledged items with the stored
rows, `nightly` once a night. `standstill` finds work that does not move, `failing_work` what fails at every try.
`shared_settings` compares the settings of all workers on one database and decides whose apply; `settings_changes`
records what differs from the worker before; `tell_web_settings` publishes those of web processes. `rotate_secrets`
encrypts stored secrets anew.
"""

from app.services.operations.audit import audit_balance
from app.services.operations.failing_work import FailingWork
from app.services.operations.nightly import NightlyBalance
from app.services.operations.overview import read_overview
from app.services.operations.readiness import Health, check_health
from app.services.operations.rotate_secrets import RotateSecrets
from app.services.operations.series import Point, read_series
from app.services.operations.settings_changes import record_changed_settings
from app.services.operations.shared_settings import ENDPOINT_CHANGED, HANDLERS, WORKER_REFUSED, SharedSettings, unequal
from app.services.operations.standstill import find_standstill
from app.services.operations.state import ReadState
from app.services.operations.stats import FreeService, read_stats
from app.services.operations.tell_web_settings import TellWebSettings
from app.services.operations.traffic import CountTraffic

__all__ = [
    "ENDPOINT_CHANGED",
    "HANDLERS",
    "WORKER_REFUSED",
    "CountTraffic",
    "FailingWork",
    "FreeService",
    "Health",
    "NightlyBalance",
    "Point",
    "ReadState",
    "RotateSecrets",
    "SharedSettings",
    "TellWebSettings",
    "audit_balance",
    "check_health",
    "find_standstill",
    "read_overview",
    "read_series",
    "read_stats",
    "record_changed_settings",
    "unequal",
]
