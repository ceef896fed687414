#!/usr/bin/env bash
# Guess: libraries that read tags of audio files tell the length of a voice message in MP4 (audio/mp4, which Meta takes).
# Seen:  where the MP4 is fragmented, as browsers and streaming encoders write it while somebody still speaks, mutagen and
#        tinytag both say 0 seconds and no error: they read the header, and the length lies in the fragments. music-metadata
#        and ffprobe say 3 seconds. A player that shows the length from such a library shows 0:00 for a message that plays.
# Needs Debian's ffmpeg.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check mutagen==1.48.1 tinytag==2.3.2
cd "$work" && npm init -y >/dev/null && npm install --silent music-metadata@12.1.0
encode() { ffmpeg -nostdin -loglevel error -y -f lavfi -i sine=frequency=440:duration=3 -c:a aac "$@"; }
encode whole.m4a
encode -movflags frag_keyframe+empty_moov+default_base_moof fragmented.m4a
cat >length.mjs <<'JS'
import { parseFile } from "music-metadata";
console.log(Math.round((await parseFile(process.argv[2])).format.duration ?? 0));
JS
cat >length.py <<'PY'
import sys

import mutagen
import tinytag

print(round(mutagen.File(sys.argv[1]).info.length), round(tinytag.TinyTag.get(sys.argv[1]).duration or 0))
PY
echo "mutagen 1.48.1, tinytag 2.3.2, music-metadata 12.1.0, $(ffprobe -version | head -n 1 | cut -d' ' -f1-3)"
same=0
check() {
    probed=$(ffprobe -loglevel error -show_entries format=duration -of csv=p=0 "$1")
    seen="$(venv/bin/python length.py "$1") $(node length.mjs "$1") ${probed%%.*}"
    echo "$1: expected 3 seconds four times; mutagen, tinytag, music-metadata, ffprobe: $seen"
    [ "$seen" = "$2" ] || same=1
}
check whole.m4a "3 3 3 3"
check fragmented.m4a "0 0 3 3"
exit $same
