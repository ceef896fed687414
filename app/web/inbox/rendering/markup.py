"""WhatsApp's own markup as HTML: `*bold*`, `_italic_`, `~strike~`, code, quotes, lists, and links.

The input is text that anybody may have written. Every piece of it enters the HTML through `escape` or `Markup.format`;
the tags are constants. All steps take linear time, because a customer chooses text and length.
"""

from __future__ import annotations

import re
from itertools import groupby

from markupsafe import Markup, escape

from app.web.inbox.rendering.values import LONGEST_TEXT, mail_url, phone_url, safe_url

LONGEST_STYLED = 8_192
"""A text that is longer is shown as it was written. WhatsApp lets people write 65,536 letters, businesses 4,096."""

_BLOCK = re.compile(r"```(.+?)```", re.DOTALL)
_TAGS = {"*": "strong", "_": "em", "~": "del"}
_CANDIDATES = re.compile(
    r"(?P<url>(?:https?://|www\.)[^\s<>\"]{1,2000})"
    r"|(?P<mail>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})"
    r"|(?P<phone>(?<![\w+])\+[0-9](?:[ ()-]{0,2}[0-9]){7,14}(?!\w))"
    r"|(?P<mark>[*_~`])",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'*_~»”’"
_LINE = re.compile(r"(?P<quote>> ?)|(?P<bullet>[*-] )|(?P<number>[0-9]{1,3})[.)] ")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u2300-\u23ff\u25a0-\u25ff\u00a9\u00ae\u203c\u2049"
    "\u2122\u2139\u3030\u303d\u3297\u3299]"
)
_EMOJI_PARTS = re.compile("[\u200d\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_LINK = Markup('<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>')
_MARKS = [
    re.compile(rf"(?<!\w){mark}(?=\S)([^{mark[-1]}]+)(?<=\S){mark}(?!\w)") for mark in ("```", "\\*", "_", "~")
]
_MOST_JUMBO = 3


def rich_text(written: str) -> Markup:
    """Return the text as HTML blocks, formatted as WhatsApp formats it."""
    text = written[:LONGEST_TEXT].replace("\r\n", "\n").strip("\n")
    if len(text) > LONGEST_STYLED:
        return Markup('<p dir="auto">{}</p>').format(text)
    html, end = [], 0
    for found in _BLOCK.finditer(text):
        html.append(_lines(text[end : found.start()].removesuffix("\n")))
        html.append(Markup("<pre><code>{}</code></pre>").format(found[1].strip("\n")))
        end = found.end()
    return Markup().join([*html, _lines(text[end:].removeprefix("\n") if end else text)])


def one_line(written: str, limit: int = 160) -> str:
    """Return the text for one line of a list: no line breaks, and without the marks of WhatsApp's markup."""
    text = " ".join(written[: limit * 4].split())
    for pattern in _MARKS:
        text = pattern.sub(r"\1", text)
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def is_jumbo(written: str) -> bool:
    """Whether the text is one to three emoji and nothing else, which WhatsApp shows large."""
    text = written.strip()
    if not text or len(text) > 40:
        return False
    bare = _EMOJI_PARTS.sub("", "".join(text.split()))
    joined = text.count("\u200d")
    flags = sum("\U0001f1e6" <= letter <= "\U0001f1ff" for letter in bare)
    count = len(bare) - joined - flags // 2
    return bool(bare) and all(_EMOJI.match(letter) for letter in bare) and count <= _MOST_JUMBO


def _lines(text: str) -> Markup:
    """Return lines as paragraphs, quotes and lists."""
    if not text.strip():
        return Markup()
    html = []
    for kind, group in groupby(text.split("\n"), _kind):
        lines = list(group)
        if kind == "plain":
            html.append(_paragraph("\n".join(lines)))
        else:
            html.append(_block(kind, [(_LINE.match(each), each) for each in lines]))
    return Markup().join(html)


def _kind(line: str) -> str:
    found = _LINE.match(line)
    return (found.lastgroup or "plain") if found and line[found.end() :].strip() else "plain"


def _paragraph(text: str) -> Markup:
    stripped = text.strip("\n")
    return Markup('<p dir="auto">{}</p>').format(_inline(stripped)) if stripped.strip() else Markup()


def _block(kind: str, lines: list[tuple[re.Match[str] | None, str]]) -> Markup:
    bodies = [_inline(line[found.end() :]) for found, line in lines if found]
    if kind == "quote":
        return Markup('<blockquote dir="auto">{}</blockquote>').format(Markup("\n").join(bodies))
    listed = Markup().join(Markup('<li dir="auto">{}</li>').format(body) for body in bodies)
    if kind == "bullet":
        return Markup("<ul>{}</ul>").format(listed)
    first = lines[0][0]
    return Markup('<ol start="{}">{}</ol>').format(int(first["number"]) if first else 1, listed)


def _inline(text: str) -> Markup:
    return Markup("\n").join(_styles(line, "") for line in text.split("\n"))


def _styles(text: str, within: str) -> Markup:
    """Return one line with its styles and links. `within` holds the marks of the styles around it."""
    html: list[Markup] = []
    end = 0
    exhausted: set[str] = set()
    position = 0
    while found := _CANDIDATES.search(text, position):
        piece, position = _piece(text, found, within, exhausted)
        if piece is not None:
            html += [escape(text[end : found.start()]), piece]
            end = position
    return Markup().join([*html, escape(text[end:])])


def _piece(text: str, found: re.Match[str], within: str, exhausted: set[str]) -> tuple[Markup | None, int]:
    """Return the HTML of a candidate, or None if it is plain text after all, and the position to go on from."""
    if found.lastgroup == "mark":
        return _styled(text, found.start(), within, exhausted)
    shown = found[0]
    if found.lastgroup == "url":
        shown = _without_trailing(shown)
        address = safe_url(shown if "://" in shown[:9] else f"https://{shown}")
    else:
        address = mail_url(shown) if found.lastgroup == "mail" else phone_url(shown)
    if address is None:
        return None, found.end()
    return _LINK.format(address, shown), found.start() + len(shown)


def _styled(text: str, start: int, within: str, exhausted: set[str]) -> tuple[Markup | None, int]:
    mark = text[start]
    end = None if mark in within or mark in exhausted or not _may_open(text, start) else _closer(text, start)
    if end is None:
        if mark not in within and _may_open(text, start):
            exhausted.add(mark)  # nothing closes it from here on, so nothing closes a later one
        return None, start + 1
    inner = text[start + 1 : end]
    if mark == "`":
        return Markup("<code>{}</code>").format(inner), end + 1
    tag = _TAGS[mark]
    return Markup(f"<{tag}>{{}}</{tag}>").format(_styles(inner, within + mark)), end + 1


def _may_open(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return not (before.isalnum() or before == text[at]) and bool(after) and not after.isspace() and after != text[at]


def _closer(text: str, start: int) -> int | None:
    """Return where the style that opens at `start` ends: behind something visible, before no letter."""
    mark, at = text[start], start + 1
    while (at := text.find(mark, at + 1)) > 0:
        after = text[at + 1 : at + 2]
        if not text[at - 1].isspace() and not after.isalnum():
            return at
    return None


def _without_trailing(address: str) -> str:
    """Return an address without the punctuation of the sentence around it. A closing bracket stays if it was opened."""
    while address:
        last = address[-1]
        if last in _TRAILING or (last == ")" and address.count(")") > address.count("(")) or last in "]}":
            address = address[:-1]
        else:
            break
    return address
