#!/usr/bin/env bash
# What a container runs. The first word says which part:
#
#   gateway    (the default) web server and worker, as ./run.sh starts them
#   web        the web server alone; workers run in containers of their own
#   worker     one worker
#   anything that ./gateway knows (numbers list, audit balance, migrate) or any other program
#
# Each part becomes process 1 (`exec`), hears SIGTERM itself, and ends in order.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() {
    printf '%s\n' "$@" >&2
    exit 78
}

# Without this, the first error would be SQLite's "unable to open database file", or a log that is nowhere.
need_a_place() {
    local place
    for place in "$(readlink -m data)" "$(readlink -m logs)"; do  # both are links into the volume
        if ! mkdir -p "$place" 2>/dev/null || [ ! -w "$place" ]; then
            fail "Nothing can be written in $place as user $(id -u). Mount a volume there that belongs to this user:" \
                "  docker run -v whatsapp:/data …              (Docker makes it with the right owner)" \
                "  chown $(id -u):$(id -g) FOLDER              (for a folder of the host)" \
                "  securityContext: {fsGroup: $(id -g)}        (Kubernetes)"
        fi
    done
}

part=${1:-gateway}
case "$part" in
gateway | web)
    need_a_place
    if [ "$part" = web ]; then
        export WORKER=external
    fi
    exec ./run.sh
    ;;
worker)
    need_a_place
    shift
    # `embedded`, the default, would let it wait for the web server's own.
    export WORKER=external
    exec ./gateway worker "$@"
    ;;
-*)
    exec ./gateway "$@"
    ;;
*)
    if command -v -- "$part" >/dev/null; then
        exec "$@"
    fi
    exec ./gateway "$@"
    ;;
esac
