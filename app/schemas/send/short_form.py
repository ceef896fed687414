"""The short form of a send: `message` alone is a text, with `image_url` the caption of an image."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
Problems = dict[str, list[str]]

SHORT = ("message", "image_url")

_NAMES = {
    "text": {"text.body": "message", "text": "message"},
    "image": {"image.link": "image_url", "image.caption": "message", "image": "image_url"},
}


def expand(given: Json, problems: Problems) -> Json:
    """Return a request in the full form; one that is in it already, as it is."""
    if not any(name in given for name in SHORT):
        return given
    type_ = "image" if "image_url" in given else "text"
    if given.get("type", type_) != type_ or any(name in given for name in _NAMES):
        name = next(name for name in SHORT if name in given)
        problems[name] = ["is the short form; leave it out, or leave out `type` and its object"]
        return {name: value for name, value in given.items() if name not in SHORT}
    rest = {name: value for name, value in given.items() if name not in SHORT}
    return {**rest, "type": type_, type_: _content(given)}


def restore_names(problems: Problems, given: Json) -> Problems:
    """Return the problems under the names that the caller used."""
    if not any(name in given for name in SHORT):
        return problems
    names = _NAMES["image" if "image_url" in given else "text"]
    return {names.get(path, path): texts for path, texts in problems.items()}


def _content(given: Json) -> Json:
    if "image_url" not in given:
        return {"body": given["message"]}
    # A picture without words is as good as one whose words are empty.
    caption = {"caption": given["message"]} if given.get("message") not in (None, "") else {}
    return {"link": given["image_url"], **caption}
