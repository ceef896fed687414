"""Plots, drawn on the server as pictures of their own, so that pages need neither scripts nor styles for them.

Beside each plot its page has the same figures as a table: a picture cannot be read aloud.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

from babel.dates import format_skeleton, format_time
from flask import Response, abort, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from app.services.operations import read_series
from app.web.context import gateway
from app.web.inbox.house.blueprint import bp, seen_numbers
from app.web.inbox.house.costs import Costs, read_costs
from app.web.inbox.house.overview import PERIODS, period
from app.web.inbox.languages import zone

if TYPE_CHECKING:
    from app.services.operations import Point

NAMES = ("messages", "errors", "latency", "cost")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""A picture's own policy: it may style itself, and do nothing else, even where somebody opens it as a page."""

THEMES = {
    "light": {"ink": "#1c2421", "soft": "#56615d", "line": "#d9dddb",
              "colors": ("#0b7a5b", "#a8480f", "#5a4fcf", "#8a6d00", "#0f6cbd", "#a3195b", "#56615d")},
    "dark": {"ink": "#e4e9e7", "soft": "#a3aeaa", "line": "#333b38",
             "colors": ("#3fbf97", "#f0995c", "#a79cf5", "#dcb94b", "#6cb6f0", "#ef86b4", "#a3aeaa")},
}  # fmt: skip


class Size(NamedTuple):
    """How large a plot is drawn, in units that are pixels on its page, and how many labels stand below it."""

    width: int
    height: int
    labels: int


LARGE, SMALL = Size(720, 260, 7), Size(400, 280, 4)

DASHES = ("none", "9, 4", "2, 4", "14, 4, 2, 4")
"""Lines differ in their dashes, too, not in colour alone."""

Line = tuple[str, Sequence[float | int | None]]


@bp.get("/plots/<name>.svg")
def plot(name: str) -> ResponseReturnValue:
    """Draw a plot of the period and the theme that the query names."""
    if name not in NAMES:
        abort(404)
    theme = request.args.get("theme", "light")
    size = SMALL if request.args.get("size") == "small" else LARGE
    picture = _draw(name, THEMES[theme if theme in THEMES else "light"], size)
    response = Response(picture, mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "private, max-age=3600"  # its address changes with what it shows
    return response


def _draw(name: str, theme: dict[str, Any], size: Size) -> str:
    if name == "cost":
        return _draw_costs(read_costs(request.args.get("period", "")), theme, size)
    step, length = PERIODS[period()]
    now = gateway().now()
    points = read_series(gateway().database, step, now - length, now, seen_numbers())
    labels = [_label(point.at, step) for point in points]
    return _chart("Line", labels, lines(name, points), theme, size)


def lines(name: str, points: Sequence[Point]) -> list[Line]:
    """Return the lines of a plot: their names, and a value for each point."""
    if name == "messages":
        return [(_("in"), [each.inbound for each in points]), (_("out"), [each.outbound for each in points])]
    if name == "errors":
        return [
            (_("refused by Meta"), [each.refused for each in points]),
            (_("failed later"), [each.failed for each in points]),
            (_("outcome unknown"), [each.unknown for each in points]),
            (_("not accepted by apps"), [each.undelivered for each in points]),
        ]
    return [
        (_("webhook to event, p99"), [each.webhook_to_processed.p99 for each in points]),
        (_("webhook to app, p99"), [each.webhook_to_app.p99 for each in points]),
        (_("call to Meta, p99"), [each.send.p99 for each in points]),
    ]


def _draw_costs(costs: Costs, theme: dict[str, Any], size: Size) -> str:
    stacks: list[Line] = [
        (category, [row.billable.get(category, 0) for row in costs.days]) for category in costs.categories
    ]
    labels = [format_skeleton("MMMd", row.date, locale=get_locale()) for row in costs.days]
    return _chart("StackedBar", labels, stacks, theme, size)


def _label(at: datetime, step: str) -> str:
    if step == "day":
        return format_skeleton("MMMd", at, locale=get_locale())
    return format_time(at, "short", tzinfo=zone(), locale=get_locale())


@cache
def _pygal() -> Any:
    """Return the library, which is not needed before the first plot.

    On import it adds a finder of modules that Python 3.11 warns of at every import that follows, and that 3.12 passes
    over. Its plugins, which the finder is for, are not used here.
    """
    import pygal
    import pygal.style

    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    return pygal


def _chart(kind: str, labels: Sequence[str], drawn: Sequence[Line], theme: dict[str, Any], size: Size) -> str:
    pygal = _pygal()
    style = pygal.style.Style(
        background="transparent", plot_background="transparent", foreground=theme["soft"],
        foreground_strong=theme["ink"], foreground_subtle=theme["soft"], guide_stroke_color=theme["line"],
        major_guide_stroke_color=theme["line"], guide_stroke_dasharray="0", major_guide_stroke_dasharray="0",
        colors=theme["colors"], font_family="system-ui, sans-serif", label_font_size=12, major_label_font_size=12,
        legend_font_size=13, opacity=".95", opacity_hover=".95", stroke_width="2.5", no_data_font_size=14,
    )  # fmt: skip
    chart = getattr(pygal, kind)(
        style=style, width=size.width, height=size.height, js=(), show_dots=len(labels) < 2, show_minor_x_labels=False,
        x_labels_major_count=size.labels, legend_at_bottom=True, legend_at_bottom_columns=_columns(len(drawn), size),
        legend_box_size=12, margin=6, margin_right=26, min_scale=3, max_scale=6, include_x_axis=True,
        truncate_legend=-1, truncate_label=-1, no_data_text=_("Nothing happened in this time."),
        disable_xml_declaration=True,
    )  # fmt: skip
    chart.x_labels = list(labels)
    for (title, values), dashes in zip(drawn, cycle(DASHES)):
        chart.add(title, list(values), **({"stroke_style": {"dasharray": dashes}} if kind == "Line" else {}))
    picture = chart.render_tree()
    for parent in list(picture.iter()):
        for child in [each for each in parent if str(each.tag).endswith("script")]:
            parent.remove(child)  # it sets up tooltips, which pictures do not have
    return ElementTree.tostring(picture, encoding="unicode")


def _columns(count: int, size: Size) -> int:
    """Return in how many columns the names of the lines stand; the library leaves out what does not fill a row."""
    return next(each for each in ((1,) if size is SMALL else (3, 2, 1)) if count % each == 0)
