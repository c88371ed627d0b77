"""The report: one HTML file without scripts that asks for nothing and opens offline."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.attribution import UNKNOWN
from analysis.evidence_by_canary import DECIBANS
from analysis.family_tree import FamilyTree
from analysis.library import Library
from analysis.report import words
from analysis.report.charts import kinds_chart, posterior_chart
from analysis.report.hostile import NAME_LIMIT, visible, visible_edges, visible_lines
from analysis.report.provenance import provenance
from analysis.report.side_by_side import telling_canaries
from analysis.report.tree_files import TITLES, picture
from analysis.report.tree_terminal import CAUTION
from analysis.verdict import Verdict, percent
from probes.recording import Recording
from probes.write_whole import write_whole

WIDTHS = {"wide": 760, "narrow": 330}
"""Widths in CSS pixels that every chart is drawn at; the page shows the one that fits."""
_TEXT_LIMIT = 2000  # characters of a prompt or of any other text that the template names no limit for
_ANSWER_LIMIT = 240


def write_report(
    verdict: Verdict, recording: Recording, library: Library, path: Path, tree: FamilyTree | None = None
) -> Path:
    """Write the report on a verdict to `path`, whole or not at all, and return the path.

    A `tree` is shown as it is, whoever stands in it.
    `recording` and `library` are those that the verdict was made from; RecordingError or LibraryError otherwise.
    """
    write_whole(path, render_report(verdict, recording, library, tree))
    return path


def render_report(verdict: Verdict, recording: Recording, library: Library, tree: FamilyTree | None = None) -> str:
    """The report's HTML; the same input gives the same text."""
    # Lone surrogates can't be written as UTF-8; `visible` has spelled out all that stand in anybody's text.
    template = _environment().get_template("report.html.j2")
    best = words.likeliest(verdict)
    probability = percent(verdict.posterior[best]) if best is not None else ""
    return template.render(
        verdict=verdict,
        evidence=verdict.evidence,
        manifest=recording.manifest,
        decision=words.DECISIONS[verdict.decision],
        sentence=words.sentence(verdict),
        meaning=words.meaning(verdict, probability),
        best=best,
        probability=probability,
        canaries=telling_canaries(verdict, recording, library),
        references=_references(verdict, library),
        groups=provenance(verdict, recording, library),
        limits=words.LIMITS,
        glossary=words.GLOSSARY,
        **_charts(verdict, best),
        tree=tree,
        tree_charts=_tree_charts(tree),
        tree_caution=CAUTION,
    )


def _charts(verdict: Verdict, best: str | None) -> dict[str, dict[str, Markup]]:
    """Both charts at every width; empty where there is nothing to draw."""
    charts: dict[str, dict[str, Markup]] = {"posterior_charts": {}, "kinds_charts": {}}
    for name, width in WIDTHS.items():
        if verdict.posterior:
            drawn = posterior_chart(verdict.posterior, best, width, f"posterior-{name}")
            charts["posterior_charts"][name] = Markup(drawn)
        if verdict.evidence is not None and verdict.evidence.kinds:
            rival = verdict.evidence.rival_family or "strangers"
            drawn = kinds_chart(verdict.evidence.kinds, verdict.evidence.family, rival, width, f"kinds-{name}")
            charts["kinds_charts"][name] = Markup(drawn)
    return charts


def _tree_charts(tree: FamilyTree | None) -> dict[str, dict[str, Markup]]:
    """By the title of each tree, its picture at every width."""
    if tree is None:
        return {}
    return {
        title: {size: Markup(picture(tree, name, width, f"{name}-{size}")) for size, width in WIDTHS.items()}
        for name, title in TITLES.items()
    }


def _references(verdict: Verdict, library: Library) -> list[dict[str, Any]]:
    """Every reference with its evidence for "kin" against "strangers" in decibans, the closest first."""
    if verdict.evidence is None:
        return []
    members = {member.name: member for member in library.members}
    ratios = sorted(verdict.evidence.log_likelihood_ratios.items(), key=lambda row: -row[1])
    return [{"name": name, "member": members.get(name), "decibans": round(DECIBANS * nats, 1)} for name, nats in ratios]


def _environment() -> Environment:
    """Jinja2 where nothing is printed unescaped, unspelled or undefined, whatever the template forgets."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value, _TEXT_LIMIT) if type(value) is str else value,
    )
    environment.filters |= {
        "name": lambda text: Markup(escape(visible(text, NAME_LIMIT))),
        "answer": lambda text, **edges: Markup(escape(visible_edges(text, _ANSWER_LIMIT, **edges))),
        "lines": lambda text: Markup(escape(visible_lines(text, _TEXT_LIMIT))),
        "percent": percent,
        "duration": words.duration,
        "channel": words.channel_in_words,
        "signed": words.signed,
        "numbers": words.numbers,
        "without_tokenizer": words.without_tokenizer,
    }
    environment.globals |= {"UNKNOWN": UNKNOWN}
    return environment
