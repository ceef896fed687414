"""The doctor: what is wrong with the installation, and what to do about it."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.services.doctor import CHECKS, HERE, PROCESSES, STORAGE, Report, apply
from app.web.context import gateway
from app.web.inbox.house.blueprint import bp

CALLS_OTHERS = ("clock", "broker", "bucket", "cache", "servers")
QUICK = [
    check.name for check in CHECKS if check.part in (HERE, STORAGE, PROCESSES) and check.name not in CALLS_OTHERS
]
"""Checks that call nobody, so that the page is there at once."""


@bp.get("/doctor")
def doctor() -> ResponseReturnValue:
    """Show what this machine and its database tell; the button asks Meta and calls the public address, too."""
    return _page(gateway().doctor(QUICK), whole=False)


@bp.post("/doctor")
def examine() -> ResponseReturnValue:
    """Look at everything."""
    return _page(gateway().doctor(), whole=True)


@bp.post("/doctor/fix")
def fix() -> ResponseReturnValue:
    """Put right what can be put right without harm, and look again."""
    examine_all = gateway().doctor
    fixed = apply(examine_all.context(), examine_all().lines)
    return _page(examine_all(), whole=True, fixed=fixed)


def parts() -> dict[str, str]:
    """Return the parts of the report with their names."""
    return {
        "settings": _("Settings"),
        "storage": _("Storage"),
        "processes": _("Processes"),
        "meta": _("Meta"),
        "callback": _("Callback"),
    }


def _page(report: Report, *, whole: bool, fixed: object = ()) -> str:
    return render_template("inbox/house/doctor.html", report=report, whole=whole, fixed=fixed, report_parts=parts())
