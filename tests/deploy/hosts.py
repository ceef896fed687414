"""The WSGI hosts of `deploy/`, each started with its own file: only folders, users, ports and prefixes are changed."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.deploy.proxies import listening, own_user, program, replaced
from tests.load.gateway import BIN, GUNICORN, ROOT, Gateway, free_port

FILES = ROOT / "deploy"
SITE_PACKAGES = sysconfig.get_path("purelib")
MODULES = Path("/usr/lib/apache2/modules")
APACHE = """
ServerRoot "{folder}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile "{folder}/pid"
ErrorLog "{folder}/error.log"
Define APACHE_LOG_DIR {folder}
Mutex file:{folder} default
{modules}
{user}
{site}
"""
USUAL_MODULES = ("mpm_event", "authz_core", "alias", "dir", "reqtimeout", "env")


@contextmanager
def own_server(gateway: Gateway) -> Iterator[None]:
    """Run what the gateway's own command starts."""
    gateway.start(ready=False)
    try:
        yield
    finally:
        gateway.stop()


def gunicorn(worker_class: str) -> Host:
    """gunicorn with one class of web processes."""

    @contextmanager
    def serving(gateway: Gateway) -> Iterator[None]:
        gateway.command = GUNICORN
        gateway.extra = {**gateway.extra, "WEB_WORKER_CLASS": worker_class, "SCRIPT_NAME": gateway.path_prefix}
        with own_server(gateway):
            yield

    return serving


@contextmanager
def waitress(gateway: Gateway) -> Iterator[None]:
    """waitress by its script."""
    gateway.command = ("python", "deploy/waitress/serve.py")
    gateway.extra = {**gateway.extra, "SCRIPT_NAME": gateway.path_prefix}
    with own_server(gateway):
        yield


def _uwsgi_file(gateway: Gateway, how: str) -> Path:
    module = "module = wsgi:app"
    mount = f"mount = {gateway.path_prefix}=wsgi:app\nmanage-script-name = true" if gateway.path_prefix else module
    text = replaced(
        FILES / "uwsgi" / "whatsapp-service.ini", ("socket = 127.0.0.1:8000\nchdir", f"{how}\nchdir"), (module, mount),
        ("/opt/whatsapp-service/.venv", str(BIN.parent)), ("/opt/whatsapp-service", str(ROOT)),
    )  # fmt: skip
    file = gateway.directory / "uwsgi.ini"
    file.write_text(text)
    return file


@contextmanager
def uwsgi_http(gateway: Gateway) -> Iterator[None]:
    """uWSGI that speaks HTTP itself."""
    gateway.command = ("uwsgi", "--ini", str(_uwsgi_file(gateway, f"http-socket = 127.0.0.1:{gateway.port}")))
    with own_server(gateway):
        yield


@contextmanager
def uwsgi_behind_nginx(gateway: Gateway) -> Iterator[None]:
    """uWSGI that speaks its own protocol, behind nginx with the files of `deploy/nginx`."""
    behind, folder = free_port(), gateway.directory
    own = folder / "etc"
    shutil.copytree(FILES / "nginx", own)
    passed = f"include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:{behind}; uwsgi_read_timeout 320s;"
    (own / "gateway.conf").write_text(
        replaced(own / "gateway.conf", ("proxy_pass http://whatsapp_service;", passed))
    )
    (own / "nginx.conf").write_text(
        replaced(
            own / "nginx.conf", ("listen 8080", f"listen 127.0.0.1:{gateway.port}"), (" /tmp/", f" {folder}/"),
            ("/etc/whatsapp-service", str(own)), ("/dev/stdout", f"{folder}/access.log"),
            ("web-1", "127.0.0.1"), ("web-2", "127.0.0.1"),
        )  # fmt: skip
    )
    command = [program("nginx"), "-e", f"{folder}/error.log", "-c", str(own / "nginx.conf"), "-g"]
    gateway.command = ("uwsgi", "--ini", str(_uwsgi_file(gateway, f"socket = 127.0.0.1:{behind}")))
    with own_server(gateway), listening([*command, f"daemon off; {own_user()}"], gateway.port, folder):
        yield


def _web_user() -> str:
    """Whom Apache runs its children as: under root it refuses to run them as root."""
    return "www-data" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def _need_readable() -> None:
    """Skip where the web user cannot read the project."""
    for path in (ROOT, *ROOT.parents, Path(SITE_PACKAGES).resolve(), *Path(SITE_PACKAGES).resolve().parents):
        if os.getuid() == 0 and not path.stat().st_mode & stat.S_IXOTH:
            pytest.skip(f"{_web_user()} cannot read {path}")


@contextmanager
def _apache(gateway: Gateway, module: str, site: str, more: str = "") -> Iterator[None]:
    command, path = program("apache2"), MODULES / f"mod_{module}.so"
    if not path.exists():
        pytest.skip(f"no {path} here")
    _need_readable()
    folder = gateway.directory
    names = [name for name in USUAL_MODULES if (MODULES / f"mod_{name}.so").exists()]
    modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in names)
    modules += f"LoadModule {module}_module {path}\n{more}"
    user = _web_user()
    text = APACHE.format(
        folder=folder, port=gateway.port, modules=modules, site=site, user=f"User {user}\nGroup {user}\n"
    )
    (folder / "apache.conf").write_text(text)
    environ = {name: text for name, text in gateway.env.items() if name != "PYTHONPATH"}
    try:
        with listening([command, "-f", folder / "apache.conf", "-D", "FOREGROUND"], gateway.port, folder, **environ):
            yield
    finally:
        gateway.kill()


def _site(name: str, gateway: Gateway, *changes: tuple[str, str]) -> str:
    """A virtual host of `deploy/` without its certificate, for this port."""
    return replaced(
        FILES / name / "whatsapp-service.conf", ("<VirtualHost *:443>", f"<VirtualHost 127.0.0.1:{gateway.port}>"),
        ("    SSLEngine on\n", ""), ("MDomain wa.example.org\nMDCertificateAgreement accepted\n", ""),
        ("ServerName wa.example.org", "ServerName localhost"), *changes, ("/opt/whatsapp-service", str(ROOT)),
    )  # fmt: skip


@contextmanager
def mod_wsgi(gateway: Gateway) -> Iterator[None]:
    """Apache with mod_wsgi, whose Python is Debian's: it is given our packages by their path."""
    user, at = _web_user(), gateway.path_prefix or "/"
    site = _site(
        "apache", gateway, ("    WSGIScriptAlias / /opt", f"    WSGIScriptAlias {at} /opt"),
        ("python-home=/opt/whatsapp-service/.venv ", ""), ("python-path=/opt", f"python-path={SITE_PACKAGES}:/opt"),
        ("user=whatsapp group=whatsapp", f"user={user} group={user}"),
    )  # fmt: skip
    with _apache(gateway, "wsgi", f"WSGISocketPrefix {gateway.directory}/wsgi\n{site}"):
        yield


@contextmanager
def passenger(gateway: Gateway) -> Iterator[None]:
    """Apache with Passenger; Debian's Python, as above."""
    folder, user = gateway.directory, _web_user()
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT}:{SITE_PACKAGES} exec /usr/bin/python3 "$@"\n')
    python.chmod(0o755)
    base = f"\n    PassengerBaseURI {gateway.path_prefix}\n" if gateway.path_prefix else "\n"
    site = _site(
        "passenger", gateway, ("/opt/whatsapp-service/.venv/bin/python", str(python)),
        ("StartupFile passenger_wsgi.py\n", f"StartupFile deploy/passenger/passenger_wsgi.py{base}"),
        ("    PassengerPreStart https://wa.example.org/healthz\n", ""),
        ("User whatsapp", f"User {user}"), ("Group whatsapp", f"Group {user}"),
    )  # fmt: skip
    locations = "/usr/lib/ruby/vendor_ruby/phusion_passenger/locations.ini"
    gateway.extra = {**gateway.extra, "WHATSAPP_SERVICE_ROOT": str(ROOT)}
    more = f"PassengerRoot {locations}\nPassengerInstanceRegistryDir {folder}\n"
    with _apache(gateway, "passenger", site, more):
        yield


Host = Callable[[Gateway], AbstractContextManager[None]]
HOSTS: dict[str, Host] = {
    "gunicorn gevent": gunicorn("gevent"), "gunicorn gthread": gunicorn("gthread"), "gunicorn sync": gunicorn("sync"),
    "waitress": waitress, "uWSGI, http": uwsgi_http, "uWSGI, its protocol": uwsgi_behind_nginx,
    "mod_wsgi": mod_wsgi, "Passenger": passenger,
}  # fmt: skip
