#!/usr/bin/env bash
# Guess: the names of three lines in two columns below a plot take two rows, and the plot leaves room for both.
# Seen:  pygal leaves room for as many rows as are full (3 // 2 = 1). With a margin below 20 the third name is drawn below the
#        picture's lower edge, and nobody sees it. No error, no warning; four lines in two columns are right.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pygal==3.1.3
"$work/venv/bin/python" - <<'PY'
import re
import sys

import pygal

print("pygal", pygal.__version__)
outside = {}
for count in (3, 4):
    chart = pygal.Line(js=(), legend_at_bottom=True, legend_at_bottom_columns=2, margin=6)
    for number in range(count):
        chart.add(f"line {number}", [1, 2, 3])
    picture = chart.render_tree()
    height = float(picture.get("viewBox").split()[3])
    above = {child: parent for parent in picture.iter() for child in parent}
    outside[count] = []
    for text in [each for each in picture.iter() if str(each.text).startswith("line ")]:
        if not str(text.tag).endswith("text"):
            continue
        baseline, each = float(text.get("y")), text
        while each is not picture:
            moved = re.fullmatch(r"translate\(\S+?, ?(\S+)\)", each.get("transform") or "")
            baseline, each = baseline + (float(moved[1]) if moved else 0), above[each]
        if baseline > height:
            outside[count].append(text.text)
    print(f"{count} lines: expected all names inside the picture ({height:.0f} high), outside are {outside[count]}")
sys.exit(0 if outside == {3: ["line 2"], 4: []} else 1)
PY
