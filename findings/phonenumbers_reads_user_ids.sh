#!/usr/bin/env bash
# Guess: a business-scoped user id ("ES." and letters or digits) is no phone number: parsing it raises an exception.
# Seen:  leading letters and the full stop are skipped, and the country comes from the caller's default region: what is left
#        is read as a national number. With nine digits it is a valid number of somebody else.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check phonenumbers==9.0.43
"$work/venv/bin/python" - <<'PY'
import sys

import phonenumbers

print("phonenumbers", phonenumbers.__version__)
same = True
for text, region, seen_before in (
    ("ES.612345678", "ES", ("+34612345678", True)),
    ("BR.11981234567", "BR", ("+5511981234567", True)),
    ("AR.4380880265109198", "AR", ("+544380880265109198", False)),
):
    number = phonenumbers.parse(text, region)
    seen = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), phonenumbers.is_valid_number(number)
    print(f"{text} with {region}: expected NumberParseException, seen {seen[0]}, valid: {seen[1]}")
    same &= seen == seen_before
sys.exit(0 if same else 1)
PY
