#!/usr/bin/env bash
# Guess: with `AllowEncodedSlashes On` and `MergeSlashes Off` a WSGI application below Apache gets the path as under any other
#        server: decoded once, every slash kept. `/m/a%2F%2Fb%3D` is `/m/a//b=`.
# Seen:  mod_wsgi makes one slash of two in PATH_INFO all the same, and Passenger decodes nothing: its PATH_INFO holds
#        `%2F` and `%3D`. Both leave the client's own text in REQUEST_URI.
# Needs Debian's apache2, libapache2-mod-wsgi-py3, libapache2-mod-passenger, curl; as root, since Apache changes its user.
set -euo pipefail
work=$(mktemp -d)
chmod 755 "$work"
end() {
    kill "$(cat "$work/wsgi.pid" 2>/dev/null)" "$(cat "$work/passenger.pid" 2>/dev/null)" 2>/dev/null || true
    sleep 1
    rm -rf "$work"
}
trap end EXIT
cat >"$work/passenger_wsgi.py" <<'PY'
def application(environ, start):
    path = environ["PATH_INFO"].encode("latin-1")
    start("200 OK", [("Content-Length", str(len(path)))])
    return [path]
PY
mkdir "$work/none"
modules=/usr/lib/apache2/modules
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# serve NAME PORT: standard input is what stands in the virtual host
serve() {
    cat >"$work/$1.conf" <<END
ServerRoot "$work"
ServerName localhost
Listen 127.0.0.1:$2
PidFile $work/$1.pid
ErrorLog $work/$1.log
Mutex file:$work default
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule alias_module $modules/mod_alias.so
LoadModule $1_module $modules/mod_$1.so
User www-data
Group www-data
$(cat)
END
    apache2 -f "$work/$1.conf"
}

first=$(free)
serve wsgi "$first" <<END
<VirtualHost *:*>
WSGIScriptAlias / $work/passenger_wsgi.py
AllowEncodedSlashes On
MergeSlashes Off
<Directory $work>
Require all granted
</Directory>
</VirtualHost>
END
second=$(free)
serve passenger "$second" <<END
PassengerRoot /usr/lib/ruby/vendor_ruby/phusion_passenger/locations.ini
PassengerInstanceRegistryDir $work
<VirtualHost *:*>
DocumentRoot $work/none
PassengerAppRoot $work
PassengerAppType wsgi
PassengerStartupFile passenger_wsgi.py
PassengerPython /usr/bin/python3
PassengerUser www-data
AllowEncodedSlashes On
PassengerAllowEncodedSlashes On
MergeSlashes Off
<Location />
Require all granted
</Location>
</VirtualHost>
END
ask() { curl --silent --max-time 60 --retry 5 --retry-connrefused --path-as-is "http://127.0.0.1:$1/m/a%2F%2Fb%3D"; }
wsgi=$(ask "$first")
passenger=$(ask "$second")
dpkg-query --show apache2 libapache2-mod-wsgi-py3 passenger
echo "expected  /m/a//b="
echo "mod_wsgi  $wsgi"
echo "Passenger $passenger"
[ "$wsgi" = "/m/a/b=" ] && [ "$passenger" = "/m/a%2F%2Fb%3D" ]
