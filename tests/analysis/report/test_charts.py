"""Charts say what they show in words, take their colours from the page, and come out the same every time."""

from xml.etree import ElementTree

from analysis.attribution.posterior_growth import Step
from analysis.report.charts import growth_chart, kinds_chart, posterior_chart
from analysis.report.language.catalogue import Language

SAY = Language.load("en")
POSTERIOR = {"smollm2": 0.97, "gemma3": 0.01, "unknown": 0.02}


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def _bar_widths(svg: str, colour: str) -> list[float]:
    """Widths of the bars drawn in one of the page's colours, from top to bottom."""
    paths = [e.get("d", "") for e in ElementTree.fromstring(svg).iter("path") if f"--{colour})" in e.get("style", "")]
    return [float(path.split()[4]) - float(path.split()[1]) for path in paths]


def test_posterior_bars_are_ordered_labelled_and_to_scale() -> None:
    svg = posterior_chart(POSTERIOR, "smollm2", SAY, 400, "p")
    assert _texts(svg) == ["smollm2", "97.0%", "unknown", "2.0%", "gemma3", "1.0%"]
    assert _bar_widths(svg, "accent") == [388.0]
    assert _bar_widths(svg, "bar") == [8.0, 4.0]


def test_kinds_go_to_both_sides_of_zero() -> None:
    svg = kinds_chart({"prose": 20.0, "code": -10.0, "facts": -0.01}, "smollm2", "gemma3", SAY, 500, "k")
    assert _texts(svg) == ["for smollm2 →", "← for gemma3", "prose", "+20.0", "facts", "0.0", "code", "−10.0"]
    [most], [_, least] = _bar_widths(svg, "accent"), _bar_widths(svg, "rival")
    assert abs(most / least - 2) < 1e-3


def test_a_chart_is_accessible_and_can_stand_beside_others() -> None:
    root = ElementTree.fromstring(posterior_chart(POSTERIOR, None, SAY, 400, "p"))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "p-title p-desc"
    assert [root[0].tag, root[1].tag] == ["title", "desc"]
    assert "smollm2 97.0%" in str(root[1].text)
    ids = [element.get("id", "p-") for element in root.iter()]
    assert all(name.startswith("p-") for name in ids)


def test_charts_are_deterministic_and_bring_nothing_of_their_own() -> None:
    charts = [posterior_chart(POSTERIOR, "smollm2", SAY, 400, "p") for _ in range(2)]
    assert charts[0] == charts[1]
    for foreign in ("http", "font-family", "#", "<style", "<metadata", "xmlns"):
        assert foreign not in charts[0]


def test_hostile_names_are_drawn_as_text() -> None:
    names = ("$\\frac{</text><script>", "月\u202e\x00", "x" * 500)
    svg = posterior_chart(dict(zip(names, (0.5, 0.3, 0.2), strict=True)), names[0], SAY, 330, "p")
    assert _texts(svg)[0].startswith("$\\frac{</text><script>")
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert all(len(text) <= 30 for text in _texts(svg))
    assert "<script" not in kinds_chart(dict.fromkeys(names, 1.0), names[0], names[1], SAY, 330, "k")


def test_many_families_are_summed_up() -> None:
    posterior = {f"family-{number:02}": 0.5 if number == 0 else 0.01 for number in range(51)}
    texts = _texts(posterior_chart(posterior, "family-00", SAY, 400, "p"))
    assert len(texts) == 24
    assert texts[-2:] == ["40 others together", "40.0%"]


def test_no_evidence_at_all_still_draws() -> None:
    assert _texts(kinds_chart({"prose": 0.0}, "a", "b", SAY, 330, "k"))[-1] == "0.0"


def test_lines_differ_by_more_than_colour_and_stand_where_the_numbers_say() -> None:
    steps = [
        Step(8, "inconclusive", {"smollm2": 0.5, "gemma3": 0.2, "unknown": 0.3}),
        Step(16, "no_signal", {}),
        Step(32, "attributed", POSTERIOR),
    ]
    svg = growth_chart(steps, SAY, 400, "g")
    assert _texts(svg)[-3:] == ["smollm2 · 97.0%", "unknown · 2.0%", "gemma3 · 1.0%"]
    assert "16" not in _texts(svg)  # there is no probability to show
    paths = [element.get("style", "") for element in ElementTree.fromstring(svg).iter("path")]
    dashes = {
        style.partition("stroke-dasharray: ")[2].partition(";")[0] for style in paths if "stroke-width: 2" in style
    }
    assert len(dashes) == 3
    assert "8: smollm2 50.0%, unknown 30.0%, gemma3 20.0%; 32: smollm2 97.0%" in svg
    assert "http" not in svg
