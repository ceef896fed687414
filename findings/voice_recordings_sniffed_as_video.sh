#!/usr/bin/env bash
# Guess: a library that tells a file's type by its content tells a recording of sound from a film.
# Seen:  WebM and MP4 that hold nothing but Opus, as browsers record voice, are video/webm and video/mp4 to all four; a vCard
#        is a calendar to one; AMR, AAC and M4A each have at least one that does not know them or names another type.
#        No single one is right for what customers send: the tracks must be read.
# Needs Debian's ffmpeg and libmagic1.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check filetype==1.2.0 puremagic==1.30 python-magic==0.4.27 magika==1.0.3
cd "$work"
encode() { ffmpeg -nostdin -loglevel error -y "$@"; }
encode -f lavfi -i sine=frequency=440:duration=2 -c:a libopus -b:a 24k -ac 1 voice.webm
encode -i voice.webm -c copy voice.mp4
encode -f lavfi -i sine=frequency=440:duration=2 -c:a aac voice.m4a
encode -f lavfi -i sine=frequency=440:duration=2 -c:a aac voice.aac
{ printf '#!AMR\n\074'; head -c 31 /dev/zero; } >voice.amr
printf 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ana\r\nTEL;waid=34600111222:+34 600 111 222\r\nEND:VCARD\r\n' >card.vcf
venv/bin/python - <<'PY'
import sys
from importlib.metadata import version

import filetype
import magic
import puremagic
from magika import Magika

EXPECTED = {"voice.webm": ("audio/webm",), "voice.mp4": ("audio/mp4",), "voice.m4a": ("audio/mp4", "audio/x-m4a"),
            "voice.aac": ("audio/aac",), "voice.amr": ("audio/amr",), "card.vcf": ("text/vcard", "text/x-vcard")}
print(*(f"{name} {version(name)}" for name in ("filetype", "puremagic", "python-magic", "magika")), sep=", ",
      end=f", libmagic {magic.version()}\n")
learned = Magika()


def by_puremagic(path):
    try:
        return puremagic.from_file(path, mime=True)
    except puremagic.PureError:
        return "none"


wrong = {}
for path, right in EXPECTED.items():
    guess = filetype.guess(path)
    seen = {"filetype": guess.mime if guess else "none", "puremagic": by_puremagic(path),
            "libmagic": magic.from_file(path, mime=True), "magika": learned.identify_path(path).output.mime_type}
    wrong[path] = {name for name, found in seen.items() if found not in right}
    print(f"{path}: expected {right[0]}, seen", ", ".join(f"{name} {found!r}" for name, found in seen.items()))
everybody = {"filetype", "puremagic", "libmagic", "magika"}
sys.exit(0 if wrong["voice.webm"] == wrong["voice.mp4"] == everybody and "magika" in wrong["card.vcf"] else 1)
PY
