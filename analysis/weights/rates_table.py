"""The rates of all measures as figures, and as the table of docs/weights.md."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.report.marked_page import put
from analysis.weights.innocent_pairs import Pair, PairsFile, Rate, descendant, independent, independent_of_one_shape
from analysis.weights.measures import MEASURES

ACCUSED_AT = 0.927
"""The correlation that Pangu Pro MoE was accused with."""
Values = npt.NDArray[np.float64]
Figure = tuple[str, float, str, tuple[float | None, float | None, int]]


def figures(pairs: PairsFile) -> Iterator[Figure]:
    """Name, value, unit, and (lowest, highest that it may be, independent pairs) of what was measured."""
    for measure in MEASURES:
        for group, counted in (("independent", independent), ("one_shape", independent_of_one_shape)):
            values = _values(pairs, measure.name, counted)
            if len(values):
                rate = _rate(pairs, measure.name, float(values.max()), counted)
                interval = (float(values.min()), float(values.max()), rate.independent)
                yield f"{group}/{measure.name}", float(np.median(values)), "median, least and most", interval
        kin, strangers = (_values(pairs, measure.name, one) for one in (descendant, independent))
        if len(kin) and len(strangers):
            trials = _rate(pairs, measure.name, float(kin.min()), descendant).independent
            share = float((kin > strangers.max()).mean())
            yield f"descendants_beyond_all/{measure.name}", share, "share", (None, None, trials)
    for group, counted in (("independent", independent), ("one_shape", independent_of_one_shape)):
        if len(_values(pairs, "std_profile", counted)):
            rate = _rate(pairs, "std_profile", ACCUSED_AT, counted)
            yield f"reach_{ACCUSED_AT}/{group}/std_profile", rate.share, "share", (None, rate.upper, rate.independent)


def table(pairs: PairsFile) -> str:
    """The measures in Markdown: what strangers come to, what descendants do."""
    columns = (
        "measure",
        "strangers: median (most)",
        "of one shape: median (most)",
        "descendants: least, median",
        "strangers as alike as the least alike descendant",
        "descendants beyond all strangers",
    )
    rows = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    for measure in MEASURES:
        strangers, shaped, kin = (
            _values(pairs, measure.name, one) for one in (independent, independent_of_one_shape, descendant)
        )
        cells = [f"`{measure.name}`", _spread(strangers), _spread(shaped), _least(kin)]
        cells += [_reaching(pairs, measure.name, kin), _beyond(kin, strangers)]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*rows, "", *_counts(pairs)])


def write_table(page: Path, pairs: PairsFile) -> None:
    """Put the table between the marks of a page. Raises KinprintError where it has none."""
    put(page, "rates", table(pairs))


def _counts(pairs: PairsFile) -> Iterator[str]:
    kinds: dict[str, int] = {}
    for member in pairs.members:
        kinds[member.kind] = kinds.get(member.kind, 0) + 1
    named = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    lineages = len({member.lineage for member in pairs.members})
    yield f"{len(pairs.members)} models of {lineages} lineages ({named})."
    for words, counted in (
        ("pairs of independent trainings", independent),
        ("of them of one architecture and size", independent_of_one_shape),
        ("pairs of a model and its descendant", descendant),
    ):
        if len(_values(pairs, "std_profile", counted)):
            rate = _rate(pairs, "std_profile", ACCUSED_AT, counted)
            yield (
                f"{rate.pairs} {words} ({rate.independent} with no lineage in common): {rate.reached} reach "
                f"{ACCUSED_AT} by `std_profile`."
            )


def _values(pairs: PairsFile, measure: str, counted: Callable[[Pair], bool]) -> Values:
    known = [pair.values[measure] for pair in pairs.pairs if counted(pair)]
    return np.array([value for value in known if value is not None], dtype=np.float64)


def _rate(pairs: PairsFile, measure: str, value: float, counted: Callable[[Pair], bool]) -> Rate:
    rate = pairs.rate(measure, value, counted)
    assert rate is not None  # asked for where there are values
    return rate


def _reaching(pairs: PairsFile, measure: str, kin: Values) -> str:
    """How many strangers a threshold would accuse that finds every descendant."""
    rate = pairs.rate(measure, float(kin.min()), independent) if len(kin) else None
    return "none measured" if rate is None else f"{rate.reached} of {rate.pairs} (at most {rate.upper:.0%})"


def _beyond(kin: Values, strangers: Values) -> str:
    return f"{int((kin > strangers.max()).sum())} of {len(kin)}" if len(kin) and len(strangers) else "none measured"


def _spread(values: Values) -> str:
    return f"{np.median(values):z.3f} ({values.max():z.3f})" if len(values) else "none measured"


def _least(values: Values) -> str:
    return f"{values.min():.3f}, {np.median(values):.3f}" if len(values) else "none measured"
