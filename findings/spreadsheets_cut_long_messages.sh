#!/usr/bin/env bash
# Guess: a library that writes spreadsheets keeps a message as it is, or raises where a cell cannot hold it.
# Seen:  a cell holds 32,767 characters, and a message can have more. openpyxl cuts the rest off and says nothing;
#        XlsxWriter cuts it and returns -2, which hardly anybody reads. A message that is one long link (over 2,079 characters,
#        as shops make them for a filled cart) is left out by XlsxWriter's write(): the cell stays empty, with a warning.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openpyxl==3.1.5 XlsxWriter==3.3.1
cd "$work"
venv/bin/python -W ignore - <<'PY'
import sys
from importlib.metadata import version

import openpyxl
import xlsxwriter

LONG = "a message without an end. " * 1600
LINK = "https://shop.example/cart?" + "&".join(f"item{number}=1" for number in range(300))

print(*(f"{name} {version(name)}" for name in ("openpyxl", "XlsxWriter")), sep=", ")
book = openpyxl.Workbook()
book.active.append([LONG])
book.save("one.xlsx")
with xlsxwriter.Workbook("two.xlsx") as other:
    sheet = other.add_worksheet()
    codes = sheet.write(0, 0, LONG), sheet.write(1, 0, LINK)


def lengths(path):
    return [len(value or "") for (value,) in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]


one, two = lengths("one.xlsx"), lengths("two.xlsx")
print(f"openpyxl, a text of {len(LONG)}: expected all of it or an error, seen {one[0]}")
print(f"XlsxWriter, a text of {len(LONG)} and a link of {len(LINK)}: expected the same, seen lengths {two}, returned {codes}")
sys.exit(0 if one == two == [32767] and codes == (-2, -3) else 1)
PY
