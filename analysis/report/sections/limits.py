"""What this access can't show, and what no access shows."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.material import Material, Section

_ALWAYS = ("library", "behaviour", "public", "lineages", "hashes", "identity", "order")


@dataclass(frozen=True)
class Limits(Section):
    """Sentences, those of this access first."""

    sentences: list[Markup]


def section(material: Material) -> Limits:
    """Always there."""
    say, tier = material.say, material.verdict.tier
    keys = [tier, *_ALWAYS] if f"limits.{tier}" in say.texts else _ALWAYS
    return Limits(say("limits.title"), say("limits.lede"), [say(f"limits.{key}") for key in keys])
