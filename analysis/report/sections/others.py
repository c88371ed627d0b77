"""What was seen and not counted, and what was left out and why."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.markup import code, name, text
from analysis.report.material import Material, Section
from analysis.report.table import Table
from analysis.verdict import Shown


@dataclass(frozen=True)
class Others(Section):
    """Channels that decide nothing, what they compare, and those that gave nothing; None where there is none."""

    shown: Table | None
    compared: list[tuple[Markup, Markup]]
    left_out: list[tuple[Markup, Markup]]


def section(material: Material) -> Others | None:
    """None where every channel counts."""
    say, verdict = material.say, material.verdict
    if not verdict.shown and not verdict.left_out:
        return None
    channels = say.joined(code(channel) for channel in verdict.channels) if verdict.channels else say("number.none")
    named = dict.fromkeys(one.channel for one in verdict.shown)
    headings = [say(f"others.{key}") for key in ("channel", "rung", "beside", "numbers")]
    return Others(
        title=say("others.title"),
        lede=say("others.lede", channels=channels),
        shown=Table(say("others.caption"), headings, [_row(material, one) for one in verdict.shown]) if named else None,
        compared=[(code(channel), say.term("channel", channel)) for channel in named],
        left_out=[(code(channel), say.original(why)) for channel, why in verdict.left_out.items()],
    )


def _row(material: Material, one: Shown) -> list[Markup | str]:
    say = material.say
    beside = say("others.itself") if one.reference is None else name(one.reference)
    numbers = say.joined(text(f"{key} {value:.4g}") for key, value in one.numbers.items())
    return [code(one.channel), say.term("rung", one.rung), beside, numbers]
