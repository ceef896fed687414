#!/usr/bin/env bash
# Guess: ffmpeg, which reads everything, makes a PNG of the first frame of an animated WebP sticker.
# Seen:  it reads still WebP only. An animated sticker ends with "Invalid data found", and a preview made with ffmpeg is
#        missing just for the stickers that people send most. Pillow reads both.
# Needs Debian's ffmpeg.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check Pillow==13.0.0
cd "$work"
venv/bin/python - <<'PY'
import PIL
from PIL import Image

print("Pillow", PIL.__version__)
frames = [Image.new("RGBA", (512, 512), colour) for colour in ("red", "green", "blue")]
frames[0].save("still.webp")
frames[0].save("animated.webp", save_all=True, append_images=frames[1:], duration=100, loop=0)
Image.open("animated.webp").save("by_pillow.png")
PY
ffmpeg -version | head -1
seen=""
for name in still animated; do
    if ffmpeg -nostdin -loglevel quiet -y -i $name.webp -frames:v 1 $name.png; then result=read; else result=refused; fi
    echo "$name.webp: expected read, seen $result"
    seen="$seen $result"
done
[ "$seen" = " read refused" ] && [ -s by_pillow.png ]
