"""JSON text as short as it can be, with letters as themselves: how events are stored and what is posted to apps."""

from __future__ import annotations

import json

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Return a value as text. Made once, because `json.dumps` makes an encoder for each call with such options."""
