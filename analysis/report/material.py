"""What a report is made of, as every section gets it, and what every section gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from analysis.attribution.posterior_growth import Step
from analysis.libraries.library import Library
from analysis.report.language.catalogue import Language
from analysis.report.measured_rates import MeasuredRates
from analysis.report.weight_measures import WeightMeasures
from analysis.trees.family_tree import FamilyTree
from analysis.verdict import Verdict
from probes.recording import Recording

WIDTHS = {"wide": 760, "narrow": 330}
"""Widths in CSS pixels that every chart is drawn at; the page shows the one that fits."""
Chart = Mapping[str, Markup]


@dataclass(frozen=True)
class Material:
    """A verdict, the recording and the library that it was made from, and what may stand beside it."""

    verdict: Verdict
    recording: Recording
    library: Library
    say: Language
    rates: MeasuredRates
    tree: FamilyTree | None = None
    weights: WeightMeasures | None = None
    growth: Sequence[Step] = ()


@dataclass(frozen=True)
class Section:
    """A heading and an opening; each section adds what its template shows."""

    title: Markup
    lede: Markup | None
