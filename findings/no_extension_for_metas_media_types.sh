#!/usr/bin/env bash
# Guess: Python knows a file name's ending for every media type that the Cloud API takes; and what it names is the usual one.
# Seen:  by its own tables (those of the machine left out, since containers have none) Python 3.11 knows none for voice
#        notes, AMR, M4A, stickers and Word, Excel and PowerPoint files, and with parameters ("; codecs=opus", which Meta
#        sends with every voice note) none at all.
set -euo pipefail
python3 - <<'PY'
import mimetypes
import sys

TYPES = """audio/aac audio/amr audio/mpeg audio/mp4 audio/ogg audio/ogg;codecs=opus audio/mpeg;layer=3 image/jpeg image/png
image/webp video/mp4 video/3gpp text/plain application/pdf application/msword application/vnd.ms-excel
application/vnd.ms-powerpoint application/vnd.openxmlformats-officedocument.wordprocessingml.document
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
application/vnd.openxmlformats-officedocument.presentationml.presentation""".split()
table = mimetypes.MimeTypes(filenames=())
without = [each for each in TYPES if table.guess_extension(each) is None]
print("Python", sys.version.split()[0])
print(f"{len(TYPES)} types; expected an ending for each; none for {len(without)}:", *without, sep="\n  ")
wanted = {"audio/ogg", "audio/ogg;codecs=opus", "audio/amr", "image/webp", "audio/mp4"}
sys.exit(0 if sys.version_info[:2] != (3, 11) or wanted <= set(without) else 1)
PY
