#!/usr/bin/env bash
# Guess: one secret makes one key in all of the official Standard Webhooks libraries, or is refused by all of them.
# Seen:  Python's `secrets.token_urlsafe` writes base64 with - and _. Node's library refuses such a secret. Python's drops these
#        characters: whether it then raises or signs with a shorter key depends on how many there were. So a sender in Python
#        that makes its secrets this way works with some, and no receiver in Node can ever check them.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0
cd "$work" && npm init -y >/dev/null && npm install --silent standardwebhooks@1.1.1
cat >sign.js <<'JS'
const { Webhook } = require("standardwebhooks");
try { console.log(new Webhook(process.argv[2]).sign("m", new Date(1795500000000), "{}")); } catch { console.log("refused"); }
JS
cat >sign.py <<'PY'
import sys
from datetime import UTC, datetime

from standardwebhooks import Webhook

try:
    print(Webhook(sys.argv[1]).sign("m", datetime.fromtimestamp(1795500000, UTC), "{}"))
except Exception:
    print("refused")
PY
echo "standardwebhooks 1.1.0 (Python), 1.1.1 (Node)"
same=0
check() {
    python=$(venv/bin/python sign.py "$2"); node=$(node sign.js "$2")
    echo "$1: Python ${python:0:12}…, Node ${node:0:12}…"
    [ "$([ "$python" = refused ] && echo refused || echo signed) $([ "$node" = refused ] && echo refused || echo signed)" = "$3" ] || same=1
    [ "$3" != "signed signed" ] || [ "$python" = "$node" ] || same=1
}
check "standard base64, expected equal" whsec_S/USLzRFVMU73i67jNK349FgCtYxw4Wl18ziPHeFRZo= "signed signed"
check "no - or _ in URL-safe base64, expected equal" whsec_S3USLzRFVMU73i67jNK349FgCtYxw4Wl18ziPHeFRZo "signed signed"
check "one _, expected equal" whsec_S_USLzRFVMU73i67jNK349FgCtYxw4Wl18ziPHeFRZo "signed refused"
check "two of them, expected equal" whsec_bjQLnP-zepicpUTmu3gKLHiQHT-zNzh2hRGjBhevoB0 "refused refused"
exit $same
