"""Named examples of bodies, answers and ids: what the tests ask, and what they were answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("examples.json")

EXAMPLES: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
"""`bodies` by operation and name, `answers` by operation, status and name, `errors` and `graph_errors` by status."""
