"""Every kind of alert is explained to whoever gets it."""

from __future__ import annotations

import re

from app.config.parsers import ROOT
from app.domain.alerts import KINDS


def test_the_guide_explains_every_kind_and_no_other() -> None:
    section = (ROOT / "docs" / "operating.md").read_text().split("\n## Alerts\n")[1].split("\n## ")[0]

    assert sorted(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)) == sorted(KINDS)


def test_what_is_told_fits_into_a_subject_line() -> None:
    assert all(len(kind.what) < 120 for kind in KINDS.values())
    assert all(text.endswith(".") for kind in KINDS.values() for text in (kind.what, kind.remedy))
