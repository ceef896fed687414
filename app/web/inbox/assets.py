"""Files of the pages: our own, and those of others, which come in packages and are served from there.

A file's address holds the hash of all files, so that browsers may keep it for ever, and modules that import each other
by relative addresses stay of one version.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import re
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, request, url_for
from markupsafe import Markup

from app.config.parsers import ROOT
from app.web.inbox.access import pages

OWN = ROOT / "app" / "static" / "inbox"

PACKAGED = {
    "bootstrap.min.css": ("flask_bootstrap", "static/bootstrap5/css/bootstrap.min.css"),
}
"""Files of others by the name that they are served under: the package, and the path in it."""

ICONS = ("flask_bootstrap", "static/bootstrap5/icons/bootstrap-icons.svg")
COMPRESSED = frozenset({".css", ".js", ".mjs", ".svg", ".json", ".webmanifest"})

bp = pages("anyone", Blueprint("inbox_assets", __name__, url_prefix="/inbox/static"))


@bp.get("/<version>/<path:name>")
def show(version: str, name: str) -> Response:
    """Serve a file. Whoever asks for another version gets the present one, and does not keep it."""
    path = _path(name)
    if path is None:
        abort(404)
    is_packed = path.suffix in COMPRESSED and request.accept_encodings["gzip"] > 0
    if is_packed:
        response = Response(_packed(path), mimetype=_type(path), headers={"Content-Encoding": "gzip"})
    else:
        response = Response(path.read_bytes(), mimetype=_type(path))
    response.vary.add("Accept-Encoding")
    is_present = version == current_version()
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_present else "no-cache"
    return response


def asset(name: str) -> str:
    """Return the address of a file."""
    return url_for("inbox_assets.show", version=current_version(), name=name)


def icon(name: str, *classes: str) -> Markup:
    """Return an icon of Bootstrap's as an inline picture that screen readers pass over. Raises `KeyError`."""
    box, shape = symbol(name)
    extra = Markup("").join(Markup(" {}").format(each) for each in classes)
    return Markup(
        '<svg class="icon{}" width="1em" height="1em" viewBox="{}" fill="currentColor" aria-hidden="true"'
        ' focusable="false">{}</svg>'
    ).format(extra, box, Markup(shape))


@cache
def current_version() -> str:
    """Return the hash of all files."""
    whole = hashlib.sha256()
    own = sorted(each for each in OWN.rglob("*") if each.is_file())
    for path in [*own, *(_of_package(*place) for place in PACKAGED.values())]:
        whole.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:12]


def _path(name: str) -> Path | None:
    if name in PACKAGED:
        return _of_package(*PACKAGED[name])
    try:
        path = (OWN / name).resolve()
        return path if path.is_relative_to(OWN) and path.is_file() else None
    except (OSError, ValueError):  # longer than names of files are, or with a NUL
        return None


def _of_package(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)  # does not import it
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / name


@cache
def _packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


@cache
def symbol(name: str) -> tuple[str, str]:
    """Return the view box and the shapes of an icon, from the package's one file of all icons."""
    text = _of_package(*ICONS).read_text("utf-8")
    found = re.search(rf'<symbol[^>]*?viewBox="([^"]+)"[^>]*? id="{re.escape(name)}"[^>]*>(.*?)</symbol>', text, re.S)
    if found is None:
        raise KeyError(name)
    return found[1], found[2].strip()


def _type(path: Path) -> str:
    types = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
             ".json": "application/json", ".webmanifest": "application/manifest+json", ".png": "image/png",
             ".woff2": "font/woff2", ".ico": "image/x-icon"}  # fmt: skip
    return types.get(path.suffix, "application/octet-stream")
