"""The verdict in one sentence, and the figures that everybody looks for first."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.markup import name
from analysis.report.material import Material
from analysis.report.sections.descent import in_words


@dataclass(frozen=True)
class Banner:
    """`sentence` on the family; `descent`, a sentence a parent; `keys`: label and figure."""

    decision: Markup
    sentence: Markup
    descent: list[Markup]
    keys: list[tuple[Markup, Markup]]


def banner(material: Material) -> Banner:
    """The top of the page."""
    verdict, say = material.verdict, material.say
    best = verdict.likeliest
    probability = "" if best is None else say.percent(verdict.posterior[best])
    values = {
        "candidate": Markup("“{}”").format(name(verdict.candidate)),
        "family": name(verdict.family),
        "probability": probability,
    }
    keys = [] if best is None else [(say("banner.probability", label=label(material, best)), Markup(probability))]
    keys += [
        (say("banner.canaries"), Markup(f"{verdict.canaries:,}")),
        (say("banner.access"), say("banner.tier", tier=verdict.tier)),
        (say("banner.asked"), say("banner.queries", queries=verdict.queries)),
        (say("banner.seconds"), Markup(say.duration(verdict.seconds))),
    ]
    return Banner(
        decision=say(f"decision.{verdict.decision}"),
        sentence=say(f"banner.{verdict.decision}", **values),
        descent=[in_words(material, one) for one in verdict.descent],
        keys=keys,
    )


def label(material: Material, family: str) -> Markup:
    """A family's name; `unknown` in the page's language."""
    return material.say("family.unknown") if family == "unknown" else name(family)
