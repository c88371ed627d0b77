"""Charts as inline SVG: they take their colours from the page, and say the same without any colour.

matplotlib draws with stand-in colours, which are then replaced by the CSS variables of the page; ids are made
unique, and everything that points outside the file is taken out. The same input gives the same bytes.
"""

import re
import warnings
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from analysis.report.hostile import visible
from analysis.report.words import signed
from analysis.verdict import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, ACCENT, BAR, LINE, RIVAL = (f"#0101{number:02x}" for number in range(1, 7))
_VARIABLES = {INK: "ink", MUTED: "muted", ACCENT: "accent", BAR: "bar", LINE: "line", RIVAL: "rival"}
_FONT_SIZE = 13.0  # CSS pixels, as are all lengths here
_MOST_BARS = 12
_RC: dict[Any, Any] = {  # whatever the reader's own matplotlib is set to
    "svg.fonttype": "none",
    "svg.hashsalt": "kinprint",
    "text.usetex": False,
    "path.sketch": None,
    "savefig.bbox": None,
}
_SVG = "{http://www.w3.org/2000/svg}"


def posterior_chart(posterior: Mapping[str, float], family: str | None, width: int, chart_id: str) -> str:
    """Probability by family as horizontal bars, `width` CSS pixels wide, the likeliest first; `family` stands out.

    `chart_id` begins every id, so that many charts can stand on one page.
    """
    rows = sorted(posterior.items(), key=lambda row: (-row[1], row[0]))
    if len(rows) > _MOST_BARS:
        others = rows[_MOST_BARS - 1 :]
        rows = [*rows[: _MOST_BARS - 1], (f"{len(others)} others together", sum(p for _, p in others))]
    step, height = 40, 40 * len(rows) + 4
    with Canvas(width, height) as canvas:
        for number, (name, probability) in enumerate(rows):
            top, chosen = number * step, name == family
            weight, colour = ("bold", ACCENT) if chosen else ("normal", BAR)
            canvas.text(1, top + 16, visible(name, width // 11), weight=weight)
            canvas.text(width - 1, top + 16, percent(probability), align="right", weight=weight)
            canvas.bar(0, top + 22, width, 9, LINE)
            canvas.bar(0, top + 22, max(2.0, width * probability) if probability > 0 else 0.0, 9, colour)
    described = "; ".join(f"{visible(name, 40)} {percent(probability)}" for name, probability in rows)
    return canvas.svg(chart_id, "Posterior probability by family", described)


def kinds_chart(kinds: Mapping[str, float], family: str, rival: str, width: int, chart_id: str) -> str:
    """Decibans by kind of canary as bars to both sides of zero: to the right for `family`, to the left for `rival`."""
    rows = sorted(kinds.items(), key=lambda row: (-row[1], row[0]))
    longest = max((len(name) for name in kinds), default=1)
    label, value, step, head = min(8 * longest + 14, width * 0.36), 54, 27, 30
    widest = max([abs(decibans) for decibans in kinds.values()] + [1.0])
    left = value if any(decibans < 0 for decibans in kinds.values()) else 0
    most, least = (max([0.0, *(sign * decibans / widest for decibans in kinds.values())]) for sign in (1, -1))
    unit = (width - label - left - value) / max(most + least, 0.1)
    zero = label + left + unit * least
    with Canvas(width, head + step * len(rows) + 4) as canvas:
        characters = int((width - zero) // 8)
        canvas.text(zero + 4, 14, visible(f"for {family} →", max(characters, 8)), colour=MUTED, size=12)
        if left:
            canvas.text(zero - 4, 14, visible(f"← for {rival}", int(zero // 8)), colour=MUTED, size=12, align="right")
        for number, (name, decibans) in enumerate(rows):
            top, length = head + number * step, unit * decibans / widest
            canvas.text(1, top + 13.5, visible(name, int(label // 7.5)))
            canvas.bar(min(zero, zero + length), top, abs(length), 18, ACCENT if decibans >= 0 else RIVAL)
            edge = zero + length + (5 if decibans >= 0 else -5)
            canvas.text(edge, top + 13.5, signed(decibans), align="left" if decibans >= 0 else "right", size=12)
        canvas.bar(zero - 0.5, head - 8, 1, step * len(rows) + 6, MUTED)
    described = "; ".join(f"{visible(name, 40)} {signed(decibans)}" for name, decibans in rows)
    names = f"for {visible(family, 40)} against {visible(rival, 40)}"
    return canvas.svg(chart_id, f"Evidence {names} by kind of canary, in decibans", described)


class Canvas:
    """A figure measured in CSS pixels from its upper left corner, without pyplot's global state."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height

    def __enter__(self) -> "Canvas":
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        with rc_context(_RC):
            self._figure = Figure(figsize=(self.width / 72, self.height / 72), dpi=72)
            self._axes: Axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._figure.patch.set_visible(False)
        self._axes.set_xlim(0, self.width)
        self._axes.set_ylim(self.height, 0)
        return self

    def __exit__(self, *_: object) -> None:
        from matplotlib import rc_context

        with rc_context(_RC), warnings.catch_warnings(), BytesIO() as file:
            # The page's own fonts draw the text, so it doesn't matter which letters matplotlib's font lacks.
            warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            self._figure.savefig(file, format="svg", metadata=nothing)
            self._drawn = file.getvalue()

    def bar(self, left: float, top: float, width: float, height: float, colour: str) -> None:
        self._axes.barh(top, width, height, left=left, align="edge", color=colour, linewidth=0, clip_on=False)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        colour: str = INK,
        align: str = "left",
        weight: str = "normal",
        size: float = _FONT_SIZE,
    ) -> None:
        # A name may hold dollar signs, which matplotlib would take for mathematics.
        style: dict[str, Any] = {"color": colour, "ha": align, "va": "baseline", "fontweight": weight, "fontsize": size}
        self._axes.text(x, y, text, parse_math=False, **style)

    def svg(self, chart_id: str, title: str, description: str) -> str:
        """The drawing as an inline `<svg>` element with a title and a description."""
        root = ElementTree.fromstring(self._drawn)
        for parent in list(root.iter()):
            for child in list(parent):
                if child.tag in (f"{_SVG}defs", f"{_SVG}metadata"):
                    parent.remove(child)
        for element in root.iter():
            _tidy(element, chart_id)
        root.attrib = {
            "class": "chart",
            "viewBox": f"0 0 {self.width} {self.height}",
            "role": "img",
            "aria-labelledby": f"{chart_id}-title {chart_id}-desc",
        }
        for place, (tag, text) in enumerate((("title", title), ("desc", description))):
            about = ElementTree.Element(tag, {"id": f"{chart_id}-{tag}"})
            about.text = text
            root.insert(place, about)
        return ElementTree.tostring(root, encoding="unicode")


def _tidy(element: ElementTree.Element, chart_id: str) -> None:
    """Drop namespaces, make ids unique to this chart, and put the page's colours and fonts in."""
    element.tag = element.tag.removeprefix(_SVG)
    element.attrib.pop("transform", None)  # matplotlib turns every text by zero degrees
    for name, value in element.attrib.items():
        if name == "id":
            element.set(name, f"{chart_id}-{value}")
        elif name == "style":
            value = re.sub("|".join(_VARIABLES), lambda found: f"var(--{_VARIABLES[found[0]]})", value)
            value = re.sub(r"font: (?:(\d+) )?([\d.]+px) [^;]+", r"font-weight: \1; font-size: \2", value)
            element.set(name, re.sub(r"font-family: [^;]+; ", "", value).replace("font-weight: ; ", ""))
