"""The report: one HTML file without scripts that asks for nothing and opens offline."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.attribution.posterior_growth import Step
from analysis.libraries.library import Library
from analysis.report.hostile import NAME_LIMIT, visible
from analysis.report.language.catalogue import Language
from analysis.report.markup import TEXT_LIMIT, name
from analysis.report.material import Material, Section
from analysis.report.measured_rates import MeasuredRates
from analysis.report.sections import (
    canaries,
    check,
    closeness,
    descent,
    evidence,
    glossary,
    ladder,
    limits,
    made,
    meaning,
    others,
    probability,
    queries,
    tree,
    weights,
)
from analysis.report.sections.banner import banner
from analysis.report.weight_measures import WeightMeasures
from analysis.trees.family_tree import FamilyTree
from analysis.verdict import Verdict
from probes.recording import Recording
from probes.write_whole import write_whole

SECTIONS: Mapping[str, Callable[[Material], Section | None]] = {
    "meaning": meaning.section,
    "ladder": ladder.section,
    "probability": probability.section,
    "queries": queries.section,
    "evidence": evidence.section,
    "closeness": closeness.section,
    "descent": descent.section,
    "weights": weights.section,
    "others": others.section,
    "tree": tree.section,
    "canaries": canaries.section,
    "made": made.section,
    "check": check.section,
    "limits": limits.section,
    "glossary": glossary.section,
}
"""The page's sections in their order; the template of each has its name, and None leaves it out."""
_HERE = Path(__file__).parent


def write_report(
    verdict: Verdict,
    recording: Recording,
    library: Library,
    path: Path,
    tree: FamilyTree | None = None,
    *,
    weights: WeightMeasures | None = None,
    growth: Sequence[Step] = (),
    language: str = "en",
) -> Path:
    """Write the report on a verdict to `path`, whole or not at all, and return the path.

    A `tree`, `weights` and `growth` (analysis.attribution.posterior_growth) are shown as they are. `recording` and
    `library` are those that the verdict was made from; RecordingError or LibraryError otherwise.
    """
    page = render_report(verdict, recording, library, tree, weights=weights, growth=growth, language=language)
    write_whole(path, page)
    return path


def render_report(
    verdict: Verdict,
    recording: Recording,
    library: Library,
    tree: FamilyTree | None = None,
    *,
    weights: WeightMeasures | None = None,
    growth: Sequence[Step] = (),
    language: str = "en",
) -> str:
    """The report's HTML; the same input gives the same text. Raises KinprintError for a language that is not known."""
    say = Language.load(language)
    material = Material(verdict, recording, library, say, MeasuredRates.load(), tree, weights, growth)
    found = {section: view for section, make in SECTIONS.items() if (view := make(material)) is not None}
    candidate = visible(verdict.candidate, NAME_LIMIT)
    return (
        _environment(say)
        .get_template("page.html.j2")
        .render(
            title=say.plain("page.title", decision=say.plain(f"decision.{verdict.decision}"), candidate=candidate),
            tone=verdict.decision,
            banner=banner(material),
            sections=found,
            footer=say("page.footer", version=name(verdict.version), started=name(recording.manifest.started_at)),
        )
    )


def _environment(say: Language) -> Environment:
    """Jinja2 where nothing is printed unescaped, unspelled or undefined, whatever a template forgets."""
    environment = Environment(
        loader=FileSystemLoader([_HERE, _HERE / "sections"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value, TEXT_LIMIT) if type(value) is str else value,
    )
    environment.globals |= {"say": say}
    return environment
