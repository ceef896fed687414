"""Ask the vulnerability database of PyPI about everything in requirements.lock: `./run.sh audit`.

Exits with 0 if all of it was looked up and nothing is known, with 1 if something is, and with 2 if anything was not
looked up: pip-audit itself says "No known vulnerabilities found" and exits with 0 about packages that it skipped, as
all are where an index without that database answers in PyPI's place.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NEEDS = "An audit needs the internet: pypi.org/pypi/NAME/VERSION/json, or with --vulnerability-service osv osv.dev."


def read(report: Path) -> list[dict[str, Any]] | None:
    """What pip-audit wrote about each package; None if it wrote nothing that can be read."""
    try:
        found = json.loads(report.read_text())["dependencies"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, list) and found else None


def judge(packages: list[dict[str, Any]] | None) -> tuple[int, list[str]]:
    """Return the exit code, and what is to be said."""
    if packages is None:
        return 2, ["Nothing was audited: the database could not be asked.", NEEDS]
    lines = []
    for each in packages:
        for known in each.get("vulns", ()):
            names = ", ".join([known["id"], *known.get("aliases", ())])
            fixed = ", ".join(known.get("fix_versions", ())) or "no version yet"
            lines.append(f"{each['name']} {each['version']}: {names}; mended in {fixed}")
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    if skipped:
        lines.append(f"Not audited, {len(skipped)} of {len(packages)}: {', '.join(skipped[:10])}"
                     f"{' …' if len(skipped) > 10 else ''}")  # fmt: skip
        lines.append(NEEDS)
    if any(each.get("vulns") for each in packages):
        return 1, lines
    return (2, lines) if skipped else (0, [f"Nothing is known against any of {len(packages)} packages."])


def main(arguments: list[str]) -> int:
    """Audit the lock file that is named first; the other arguments go to pip-audit."""
    lock, *more = arguments
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off",
            "--format", "json", "--output", str(report), "--requirement", lock, *more,
        ]  # fmt: skip
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        code, lines = judge(read(report))
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
