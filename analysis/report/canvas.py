"""A drawing as inline SVG: it takes its colours from the page, and says the same without any colour.

matplotlib draws with stand-in colours, which are then replaced by the CSS variables of the page; ids are made
unique, and everything that points outside the file is taken out. The same input gives the same bytes.
"""

import re
import warnings
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, ACCENT, BAR, LINE, RIVAL = (f"#0101{number:02x}" for number in range(1, 7))
_VARIABLES = {INK: "ink", MUTED: "muted", ACCENT: "accent", BAR: "bar", LINE: "line", RIVAL: "rival"}
_FONT_SIZE = 13.0  # CSS pixels, as are all lengths here
_RC: dict[Any, Any] = {  # whatever the reader's own matplotlib is set to
    "svg.fonttype": "none",
    "svg.hashsalt": "kinprint",
    "text.usetex": False,
    "path.sketch": None,
    "path.simplify": False,
    "savefig.bbox": None,
}
_SVG = "{http://www.w3.org/2000/svg}"
Dash = tuple[float, tuple[float, ...]] | str


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

    def line(self, points: Sequence[tuple[float, float]], colour: str, dash: Dash = "-") -> None:
        xs, ys = zip(*points, strict=True)
        self._axes.plot(xs, ys, color=colour, linewidth=2, linestyle=dash, clip_on=False)

    def marker(self, x: float, y: float, corners: int, colour: str, size: float = 5) -> None:
        """A filled polygon; with many corners it is a disc. Shapes tell apart what colours alone would."""
        from matplotlib.patches import RegularPolygon

        shape = RegularPolygon((x, y), corners, radius=size, color=colour, linewidth=0)
        shape.set_clip_on(False)
        self._axes.add_patch(shape)

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
