"""What the audit of dependencies says, and that it never passes what it did not look up."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from app.config.parsers import ROOT

AUDIT = runpy.run_path(str(ROOT / "deploy" / "supply-chain" / "audit.py"))
CLEAN = {"name": "flask", "version": "3.1.3", "vulns": []}
KNOWN = {
    "name": "jinja2", "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "aliases": ["CVE-2019-10906"], "fix_versions": ["2.10.1"]}],
}  # fmt: skip
SKIPPED = {"name": "gevent", "skip_reason": "Dependency not found on PyPI and could not be audited: gevent (26.9.0)"}


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        ([CLEAN], 0, "Nothing is known against any of 1 packages."),
        ([CLEAN, KNOWN], 1, "jinja2 2.10: PYSEC-2019-217, CVE-2019-10906; mended in 2.10.1"),
        ([CLEAN, SKIPPED], 2, "Not audited, 1 of 2: gevent"),
        ([KNOWN, SKIPPED], 1, "Not audited, 1 of 2: gevent"),
        (None, 2, "Nothing was audited: the database could not be asked."),
    ],
)
def test_an_audit_passes_only_what_was_looked_up(packages: Any, code: int, says: str) -> None:
    found, lines = AUDIT["judge"](packages)

    assert found == code
    assert says in lines


@pytest.mark.parametrize("text", ["", "not JSON", "[]", '{"dependencies": []}', '{"other": 1}'])
def test_a_report_that_says_nothing_is_none(tmp_path: Path, text: str) -> None:
    report = tmp_path / "report.json"
    assert AUDIT["read"](report) is None

    report.write_text(text)
    assert AUDIT["read"](report) is None


def test_each_threat_names_a_test_that_exists() -> None:
    rows = re.findall(r"^\| .+ \| `(tests/[\w/]+\.py)::(\w+)` \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)

    assert len(rows) > 15
    assert [row for row in rows if f"def {row[1]}(" not in (ROOT / row[0]).read_text()] == []
