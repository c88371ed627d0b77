"""Which channel told what: a verdict's evidence as rows of one table, the strongest first."""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.channels import all_channels, pair_channels
from analysis.report.hostile import visible
from analysis.verdict import Shown, Verdict

HEADINGS = ("what", "name", "kind", "decibans", "value", "about")


@dataclass(frozen=True)
class Row:
    """`what` is channel, kind, canary, shown or left_out. `decibans` for the first family against the next, where the
    row is part of the verdict; `value` where it is a number that is only shown; `about` is the reference or the reason.
    """

    what: str
    name: str
    kind: str = ""
    decibans: float | None = None
    value: float | None = None
    about: str = ""

    def cells(self) -> tuple[str, ...]:
        """As text in the order of HEADINGS; nothing in it can end a cell or a line."""
        decibans = "" if self.decibans is None else f"{self.decibans:+.2f}"
        value = "" if self.value is None else f"{self.value:.4g}"
        name, kind, about = (visible(text, 300) for text in (self.name, self.kind, self.about))
        return self.what, name, kind, decibans, value, about


def explanation(verdict: Verdict) -> list[Row]:
    """Channels, kinds and canaries by the evidence that they gave, then what is only shown, then what was left out."""
    rows = []
    if (evidence := verdict.evidence) is not None:
        against = f"for {evidence.reference}, against {evidence.rival_reference or 'strangers'}"
        channels = [Row("channel", name, decibans=db, about=against) for name, db in evidence.channels.items()]
        kinds = [Row("kind", name, kind=name, decibans=db) for name, db in evidence.kinds.items()]
        canaries = [Row("canary", row.id, kind=row.kind, decibans=row.decibans) for row in evidence.canaries]
        for group in (channels, kinds, canaries):
            rows += sorted(group, key=lambda row: -abs(row.decibans or 0.0))
    rows += shown_rows(verdict.shown)
    rows += [Row("left_out", name, kind=kind_of(name), about=why) for name, why in verdict.left_out.items()]
    return rows


def shown_rows(shown: Iterable[Shown]) -> list[Row]:
    """The numbers of channels that never decide."""
    return [
        Row("shown", f"{one.channel}: {name}", kind=one.rung, value=value, about=one.reference or "the candidate alone")
        for one in shown
        for name, value in one.numbers.items()
    ]


def kind_of(channel: str) -> str:
    """The question that a channel speaks to; those that give similarities by canary all speak to the family's."""
    if channel in pair_channels():
        return pair_channels()[channel].rung
    return "family" if channel in all_channels() else ""
