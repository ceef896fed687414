#!/usr/bin/env bash
# Guess: libraries made from the same numbering data agree whether a number is valid. So a page that checks with one and a
#        server that checks with another accept the same customers.
# Seen:  WhatsApp knows mobiles of most Brazilian area codes without their ninth digit. libphonenumber-js as it is imported by
#        default calls such a wa_id valid, its "max" edition, google-libphonenumber and Python's phonenumbers invalid; in
#        Mexico the old "1" after 52 is refused by all. Neither verdict says whether the person can be written to.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check phonenumbers==9.0.43
cd "$work" && npm init -y >/dev/null && npm install --silent libphonenumber-js@1.13.16 google-libphonenumber@3.2.47
cat >verdicts.js <<'JS'
const text = process.argv[2];
const google = require("google-libphonenumber").PhoneNumberUtil.getInstance();
const verdict = (edition) => { const n = require("libphonenumber-js" + edition)(text); return Boolean(n && n.isValid()); };
console.log([verdict(""), verdict("/max"), google.isValidNumber(google.parse(text))].join(" "));
JS
echo "libphonenumber-js 1.13.16, google-libphonenumber 3.2.47, phonenumbers 9.0.43"
same=0
check() {
    python=$("$work/venv/bin/python" -c 'import sys, phonenumbers as p; print(str(p.is_valid_number(p.parse(sys.argv[1]))).lower())' "$1")
    seen="$(node verdicts.js "$1") $python"
    echo "$1 ($2): expected four equal verdicts; default, max, google, Python: $seen"
    [ "$seen" = "$3" ] || same=1
}
check +5551981234567 "Porto Alegre, nine digits" "true true true true"
check +555181234567 "Porto Alegre, as its wa_id" "true false false false"
check +5215512345678 "Mexico City, as its old wa_id" "false false false false"
exit $same
