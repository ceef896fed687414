#!/usr/bin/env bash
# Guess: a request whose Host no site of the Caddyfile has is refused (404, 421 or a closed connection).
# Seen:  it is answered 200 with an empty body, a POST, too. A webhook that comes by another name counts as taken, is not
#        sent again, and nobody has it.
# Needs Debian's caddy and curl.
set -euo pipefail
work=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf '{\n\tadmin off\n}\nhttp://known.example:%s {\n\trespond known\n}\n' "$port" >"$work/Caddyfile"
HOME=$work XDG_DATA_HOME=$work caddy run --config "$work/Caddyfile" --adapter caddyfile >"$work/log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
post() {
    curl --silent --retry 20 --retry-connrefused --retry-delay 1 --data '{"a":1}' --header "Host: $1" --write-out '%{http_code}' \
        --output /dev/null "http://127.0.0.1:$port/webhook"
}
caddy version
echo "expected for an unknown host: an error"
known=$(post known.example)
unknown=$(post other.example)
echo "known.example $known, other.example $unknown"
[ "$known" = 200 ] && [ "$unknown" = 200 ]
