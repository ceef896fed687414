#!/usr/bin/env bash
# Guess: a message id in a path, with "/" written as %2F, reaches the application behind nginx as it was sent.
# Seen:  only where the path is passed on untouched. As soon as nginx changes it (proxy_pass with a path, or rewrite) it
#        decodes %2F, and two slashes in a row become one: the id has lost a character and names no message. Base64 ids
#        hold "//" now and then. `merge_slashes off` keeps both. HAProxy and Caddy take a prefix off and leave the rest alone.
# Needs Debian's nginx.
set -euo pipefail
work=$(mktemp -d); pids=()
trap 'kill "${pids[@]}" 2>/dev/null; rm -rf "$work"' EXIT
read -r app plain merging <<<"$(python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(each.getsockname()[1] for each in held))')"
cat >"$work/echo.py" <<'PY'
import http.server, sys
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.path.encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
PY
python3 "$work/echo.py" "$app" & pids+=($!)
cat >"$work/nginx.conf" <<CONF
daemon off; pid $work/pid; error_log $work/error.log;
events {}
http {
    access_log off; client_body_temp_path $work/a; proxy_temp_path $work/b; fastcgi_temp_path $work/c;
    uwsgi_temp_path $work/d; scgi_temp_path $work/e;
    server { listen 127.0.0.1:$merging;
        location / { proxy_pass http://127.0.0.1:$app; }
        location /gateway/ { proxy_pass http://127.0.0.1:$app/; } }
    server { listen 127.0.0.1:$plain; merge_slashes off;
        location /gateway/ { proxy_pass http://127.0.0.1:$app/; } }
}
CONF
nginx -c "$work/nginx.conf" 2>/dev/null & pids+=($!)
for _ in $(seq 50); do curl -s "http://127.0.0.1:$merging/" >/dev/null && curl -s "http://127.0.0.1:$app/" >/dev/null && break; sleep 0.1; done
nginx -v 2>&1
same=0
check() {
    seen=$(curl -s --path-as-is "http://127.0.0.1:$2wamid.AB%2F%2FCD%3D%3D")
    echo "$1: expected wamid.AB%2F%2FCD%3D%3D or wamid.AB//CD==, seen $seen"
    [ "$seen" = "$3" ] || same=1
}
check "at the root" "$merging/" "/wamid.AB%2F%2FCD%3D%3D"
check "below a prefix" "$merging/gateway/" "/wamid.AB/CD=="
check "below a prefix, merge_slashes off" "$plain/gateway/" "/wamid.AB//CD=="
exit $same
