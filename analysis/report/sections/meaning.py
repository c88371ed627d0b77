"""What the verdict says, what must not be read into it, and what to keep in mind."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.markup import name
from analysis.report.material import Material, Section
from analysis.report.sections.banner import label


@dataclass(frozen=True)
class Meaning(Section):
    """Three lists of sentences, each with its heading; `original` says whose words some of them are."""

    columns: list[tuple[Markup, list[Markup]]]
    care: list[Markup]
    original: Markup | None


def section(material: Material) -> Meaning:
    """Always there."""
    verdict, say = material.verdict, material.say
    best = verdict.likeliest
    values = {
        "family": name(verdict.family),
        "label": "" if best is None else label(material, best),
        "probability": "" if best is None else say.percent(verdict.posterior[best]),
    }
    begin = f"meaning.{verdict.decision}."
    says = [say(f"{begin}says_{number}", **values) for number in (1, 2)]
    says_not = [say(f"{begin}not_{number}", **values) for number in (1, 2, 3)]
    return Meaning(
        title=say("meaning.title"),
        lede=None,
        columns=[(say("meaning.says"), says), (say("meaning.says_not"), says_not)],
        care=_care(material),
        original=None if say.code == "en" else say("meaning.original"),
    )


def _care(material: Material) -> list[Markup]:
    verdict, say = material.verdict, material.say
    calibration = verdict.calibration
    measured = "measured" if calibration.reliability else "provisional"
    care = [
        say(f"calibration.{measured}", n=calibration.lineages),
        say("calibration.basis", basis=say.original(calibration.basis)),
    ]
    if verdict.stopped_because is not None:
        care.append(say("meaning.stopped", reason=say.original(verdict.stopped_because)))
    return care + [say.original(f"{warning}.") for warning in verdict.warnings]
