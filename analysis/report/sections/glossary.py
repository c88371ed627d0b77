"""The words that a reader can't be expected to know."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.material import Material, Section


@dataclass(frozen=True)
class Glossary(Section):
    """Terms and what they mean, in the catalogue's order."""

    terms: list[tuple[Markup, Markup]]


def section(material: Material) -> Glossary:
    """Always there."""
    say = material.say
    words = [key.removeprefix("term.") for key in say.texts if key.startswith("term.")]
    return Glossary(say("glossary.title"), None, [(say(f"term.{word}"), say(f"definition.{word}")) for word in words])
