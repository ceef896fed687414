"""The doctor: examine this installation from the settings to Meta, and say of each point what was found and what to do.

`catalogue` is the table of checks, each a small function over a `DoctorContext`; `run` runs them side by side within a
deadline, and `fix` puts right what can be put right without harm. `callback` calls our own callback as Meta does.
Unlike the health checks, which watch and raise alerts, it looks only when asked, also where nothing runs.
"""

from app.services.doctor.callback import PublicCallback
from app.services.doctor.catalogue import CHECKS, HERE, PROCESSES, STORAGE
from app.services.doctor.context import DoctorContext
from app.services.doctor.fix import Fixed, apply, save_callback
from app.services.doctor.run import Doctor, Report
from app.services.doctor.types import Line

__all__ = [
    "CHECKS", "HERE", "PROCESSES", "STORAGE", "Doctor", "DoctorContext", "Fixed", "Line", "PublicCallback", "Report",
    "apply", "save_callback",
]  # fmt: skip
