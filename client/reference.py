"""Build the reference of the HTTP API and of the Python client, as a folder of pages that any web server shows.

    .venv/bin/python -m client.reference FOLDER
    .venv/bin/python -m http.server -d FOLDER 8080

The pages of the HTTP API are those that a running gateway shows at `/docs`; those of the client are pdoc's. Nothing is
fetched from anywhere, then or when they are read.
"""

from __future__ import annotations

import pkgutil
import shutil
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

HERE = Path(__file__).parent
ROOT = HERE.parent
PACKAGE = "whatsapp_service_client"
DOCUMENTS = ("openapi.json", "openapi.graph.json", "openapi.service.json", "openapi.webhooks.json")
SECRETS = ("API_KEY", "SECRET_KEY", "ENCRYPTION_KEY", "WHATSAPP_VERIFY_TOKEN", "SIMULATOR_APP_SECRET")
INDEX = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>whatsapp-service: reference</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="http/static/docs/docs.css">
</head>
<body>
  <nav><h1>whatsapp-service</h1><p>version {version}</p></nav>
  <main>
    <article><h2><a href="http/">The HTTP API</a></h2>
      <p>Every route: the API of this gateway, its Graph-compatible routes, what it posts to your apps, and what the
      service says of itself.</p></article>
    <article><h2><a href="client/{package}.html">The Python client</a></h2>
      <p>Every class, method, type and error of <code>{package}</code>.</p></article>
  </main>
</body>
</html>
"""


def build(folder: Path, app: Flask) -> None:
    """Write the pages of this application into a folder, which is made if it is not there. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    version = _build_http(folder / "http", app)
    _build_client(folder / "client")
    (folder / "index.html").write_text(INDEX.format(version=version, package=PACKAGE), encoding="utf-8")


def _build_http(folder: Path, app: Flask) -> str:
    """Write what a gateway serves at `/docs`, and return the API's version."""
    client = app.test_client()
    shutil.copytree(ROOT / "app" / "static" / "docs", folder / "static" / "docs", dirs_exist_ok=True)
    for path, name in (("docs", "index.html"), *((name, name) for name in DOCUMENTS)):
        (folder / name).write_bytes(client.get(f"/{path}").get_data())
    version: str = client.get("/openapi.json").get_json()["info"]["version"]
    return version


def _build_client(folder: Path) -> None:
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    import pdoc.render

    pdoc.render.configure(docformat="markdown", show_source=False)
    inner = pkgutil.iter_modules([str(HERE / PACKAGE)], f"{PACKAGE}.")
    pdoc.pdoc(PACKAGE, *(each.name for each in inner), output_directory=folder)


def main() -> None:
    """Build them in the folder that the command names."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("Usage: python -m client.reference FOLDER")
    from app import create_app
    from app.config.settings import load_config

    made_up = {name: urlsafe_b64encode(token_bytes(32)).decode() for name in SECRETS}  # nothing is started with them
    try:
        build(Path(sys.argv[1]), create_app(load_config(made_up)))
    except ModuleNotFoundError as error:
        if error.name != "pdoc":
            raise
        sys.exit("pdoc is not installed. Run: ./run.sh install tests/requirements.txt")
    sys.stdout.write(f"Built. To read it: .venv/bin/python -m http.server -d {sys.argv[1]} 8080\n")


if __name__ == "__main__":
    main()
