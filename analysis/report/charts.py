"""The report's charts: probability by explanation, evidence by kind of canary, probability by number of canaries."""

from collections.abc import Mapping, Sequence
from unicodedata import east_asian_width

from analysis.attribution.posterior_growth import Step
from analysis.report.canvas import ACCENT, BAR, INK, LINE, MUTED, RIVAL, Canvas, Dash
from analysis.report.hostile import visible
from analysis.report.language.catalogue import Language
from analysis.report.signed import signed

_MOST_BARS = 12
_STYLES: tuple[tuple[str, int, Dash], ...] = (  # colour, corners of the marker, dashes: each tells lines apart alone
    (ACCENT, 24, "-"),
    (RIVAL, 4, (0, (5, 2))),
    (MUTED, 3, (0, (1, 1.5))),
    (INK, 5, (0, (6, 2, 1, 2))),
)


def posterior_chart(
    posterior: Mapping[str, float], family: str | None, say: Language, width: int, chart_id: str
) -> str:
    """Probability by family as horizontal bars, `width` CSS pixels wide, the likeliest first; `family` stands out.

    `chart_id` begins every id, so that many charts can stand on one page.
    """
    rows = ranked(posterior)
    if len(rows) > _MOST_BARS:
        others = rows[_MOST_BARS - 1 :]
        together = say.plain("probability.others", n=len(others))
        rows = [*rows[: _MOST_BARS - 1], (together, sum(p for _, p in others))]
    step, height = 40, 40 * len(rows) + 4
    with Canvas(width, height) as canvas:
        for number, (name, probability) in enumerate(rows):
            top, chosen = number * step, name == family
            weight, colour = ("bold", ACCENT) if chosen else ("normal", BAR)
            canvas.text(1, top + 16, visible(name, width // 11), weight=weight)
            canvas.text(width - 1, top + 16, say.percent(probability), align="right", weight=weight)
            canvas.bar(0, top + 22, width, 9, LINE)
            canvas.bar(0, top + 22, max(2.0, width * probability) if probability > 0 else 0.0, 9, colour)
    described = "; ".join(f"{visible(name, 40)} {say.percent(probability)}" for name, probability in rows)
    return canvas.svg(chart_id, say.plain("probability.chart"), described)


def kinds_chart(kinds: Mapping[str, float], family: str, rival: str, say: Language, width: int, chart_id: str) -> str:
    """Decibans by kind of canary as bars to both sides of zero: to the right for `family`, to the left for `rival`."""
    rows = [(say.plain_term("kind", name), decibans) for name, decibans in ranked(kinds)]
    longest = max((_width_of(name) for name, _ in rows), default=1)
    label, value, step, head = min(8 * longest + 14, width * 0.36), 54, 27, 30
    widest = max([abs(decibans) for decibans in kinds.values()] + [1.0])
    left = value if any(decibans < 0 for decibans in kinds.values()) else 0
    most, least = (max([0.0, *(sign * decibans / widest for decibans in kinds.values())]) for sign in (1, -1))
    unit = (width - label - left - value) / max(most + least, 0.1)
    zero = label + left + unit * least
    with Canvas(width, head + step * len(rows) + 4) as canvas:
        characters = int((width - zero) // 8)
        canvas.text(zero + 4, 14, _fitting(say, "evidence.towards", family, max(characters, 8)), MUTED, size=12)
        if left:
            against = _fitting(say, "evidence.against", rival, int(zero // 8))
            canvas.text(zero - 4, 14, against, MUTED, align="right", size=12)
        for number, (name, decibans) in enumerate(rows):
            top, length = head + number * step, unit * decibans / widest
            canvas.text(1, top + 13.5, visible(name, int(label // 7.5)))
            canvas.bar(min(zero, zero + length), top, abs(length), 18, ACCENT if decibans >= 0 else RIVAL)
            edge = zero + length + (5 if decibans >= 0 else -5)
            canvas.text(edge, top + 13.5, signed(decibans), align="left" if decibans >= 0 else "right", size=12)
        canvas.bar(zero - 0.5, head - 8, 1, step * len(rows) + 6, MUTED)
    described = "; ".join(f"{visible(name, 40)} {signed(decibans)}" for name, decibans in rows)
    title = say.plain("evidence.chart", family=visible(family, 40), rival=visible(rival, 40))
    return canvas.svg(chart_id, title, described)


def growth_chart(steps: Sequence[Step], say: Language, width: int, chart_id: str) -> str:
    """Probability of the leading explanations against the number of canaries, which doubles from mark to mark."""
    shown = [step for step in steps if step.posterior]
    most = {name: max(step.posterior.get(name, 0.0) for step in shown) for name in shown[-1].posterior}
    names = sorted(most, key=lambda name: (-most[name], name))[: len(_STYLES)]
    left, right, head, height = 52.0, 22.0, 12 + 22 * len(names), 200.0
    step_width = (width - left - right) / max(len(shown) - 1, 1)
    places = [left + step_width * number for number in range(len(shown))]
    with Canvas(width, head + height + 46) as canvas:
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            y = head + height * (1 - share)
            canvas.bar(left, y - 0.5, width - left - right, 1, LINE)
            canvas.text(left - 14, y + 4, f"{100 * share:.0f}%", colour=MUTED, align="right", size=11)
        for x, step in zip(places, shown, strict=True):
            canvas.text(x, head + height + 20, f"{step.canaries}", colour=MUTED, align="center", size=11)
        canvas.text(width - right, head + height + 40, say.plain("queries.axis"), MUTED, align="right", size=12)
        for number, (name, (colour, corners, dash)) in enumerate(zip(names, _STYLES, strict=False)):
            points = [(x, head + height * (1 - s.posterior.get(name, 0.0))) for x, s in zip(places, shown, strict=True)]
            canvas.line(points, colour, dash)
            canvas.line([(left, 10 + 22 * number), (left + 34, 10 + 22 * number)], colour, dash)
            for x, y in [*points, (left + 17, 10 + 22 * number)]:
                canvas.marker(x, y, corners, colour)
            last = say.percent(shown[-1].posterior[name])
            canvas.text(left + 44, 14.5 + 22 * number, f"{visible(name, int(width // 12))} · {last}")
    described = "; ".join(
        f"{step.canaries}: " + ", ".join(f"{visible(n, 40)} {say.percent(step.posterior.get(n, 0.0))}" for n in names)
        for step in shown
    )
    return canvas.svg(chart_id, say.plain("queries.chart"), described)


def ranked(values: Mapping[str, float]) -> list[tuple[str, float]]:
    """Rows with the largest value first; names order what is equal."""
    return sorted(values.items(), key=lambda row: (-row[1], row[0]))


def _fitting(say: Language, key: str, name: str, characters: int) -> str:
    """The words of a key around a name that is cut to what is left of so many characters."""
    rest = max(characters - _width_of(say.plain(key, family="", rival="")), 4)
    return say.plain(key, family=visible(name, rest), rival=visible(name, rest))


def _width_of(text: str) -> int:
    """Characters, those of East Asian scripts counting twice."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
