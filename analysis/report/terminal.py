"""The verdict as tables in the terminal, in a pipe or in a notebook."""

import sys
from collections.abc import Mapping, Sequence

from rich.box import ASCII, SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.report.hostile import NAME_LIMIT, visible
from analysis.report.signed import signed
from analysis.report.words import (
    DECISIONS,
    duration,
    numbers,
    sentence,
    without_tokenizer,
)
from analysis.verdict import Evidence, Verdict, percent

_PIPED_WIDTH = 100
_BAR_WIDTH = 30
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_MOST_CANARIES = 10
_COLOURS = {"attributed": "cyan", "unknown": "magenta", "inconclusive": "yellow", "no_signal": "bright_black"}


def show_verdict(verdict: Verdict, console: Console | None = None) -> None:
    """Print a verdict: in one sentence first, then why, what was asked, and what to keep in mind.

    Without a console it goes to stdout: as wide as the terminal, or 100 columns without colour in a pipe.
    """
    out = console or Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH, highlight=False)
    show = _Printer(out)
    show.heading(DECISIONS[verdict.decision], _COLOURS[verdict.decision])
    show.line(sentence(verdict), "bold")
    if verdict.posterior:
        show.posterior(verdict.posterior, verdict.likeliest)
    if verdict.evidence is not None:
        _show_evidence(show, verdict.evidence)
    if verdict.descent:
        show.heading("Shared weights")
        for one in verdict.descent:
            show.line(one.in_words(verdict.candidate))
    _show_others(show, verdict)
    show.facts(
        {
            "asked": f"{verdict.queries:,} queries, {verdict.tokens:,} tokens, {duration(verdict.seconds)}",
            "of it": f"{verdict.canaries:,} canaries of suite {verdict.suite} compared, at tier {verdict.tier}",
            "with": f"library {verdict.library}, channels {', '.join(verdict.channels) or 'none'}",
            "calibration": f"{verdict.calibration.basis} ({verdict.calibration.lineages} lineages)",
            **({"set": verdict.family_set.basis} if verdict.family_set is not None else {}),
            **_rests_on(verdict),
            **{f"warning {number}": text for number, text in enumerate(verdict.warnings, start=1)},
        }
    )


def _show_evidence(show: "_Printer", evidence: Evidence) -> None:
    rival = evidence.rival_family or "strangers"
    show.heading("Evidence in decibans (10 dB: ten times the odds)")
    show.line(f"for {evidence.family} ({evidence.reference}), against {rival} ({evidence.rival_reference or 'none'})")
    show.decibans(("channel",), [((name,), value) for name, value in evidence.channels.items()])
    kinds = sorted(evidence.kinds.items(), key=lambda row: -row[1])
    show.decibans(("kind of canary",), [((name,), value) for name, value in kinds])
    telling = [((row.id, row.kind), row.decibans) for row in evidence.canaries[:_MOST_CANARIES]]
    show.decibans(("most telling canary", "kind"), telling, digits=2)


def _show_others(show: "_Printer", verdict: Verdict) -> None:
    """What channels say that decide nothing: of the candidate, and beside the reference that comes closest."""
    nearest = verdict.evidence.reference if verdict.evidence is not None else None
    rows = [one for one in verdict.shown if one.reference in (None, nearest)]
    if rows:
        show.heading("Also seen, and not counted")
        show.facts({one.channel + (" " + one.reference if one.reference else ""): numbers(one) for one in rows})


def _rests_on(verdict: Verdict) -> dict[str, str]:
    """The channels that gave nothing, and the answer with all that depends on the tokenizer off."""
    facts = {}
    if verdict.left_out:
        facts["left out"] = "; ".join(f"{name}: {why}" for name, why in verdict.left_out.items())
    if verdict.posterior:
        facts["tokenizer off"] = without_tokenizer(verdict)
    return facts


class _Printer:
    """Prints to a console; every text is spelled out, and none is taken for markup."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._ascii = console.options.ascii_only

    def text(self, text: str, style: str = "", limit: int = 400) -> Text:
        shown = visible(text, limit)
        return Text(shown.encode("ascii", "backslashreplace").decode() if self._ascii else shown, style=style)

    def line(self, text: str, style: str = "") -> None:
        self.console.print(self.text(text, style, limit=1200))

    def heading(self, text: str, colour: str = "") -> None:
        self.console.print()
        self.console.print(self.text(text, f"bold {colour}".strip()))

    def posterior(self, posterior: Mapping[str, float], best: str | None) -> None:
        table = self._table(("family", "posterior", ""))
        for family, probability in sorted(posterior.items(), key=lambda row: (-row[1], row[0])):
            style = "bold" if family == best else ""
            bar = Text(self._bar(probability), style="cyan" if family == best else "bright_black")
            table.add_row(self.text(family, style, NAME_LIMIT), bar, Text(percent(probability), style=style))
        table.columns[1].no_wrap = table.columns[2].no_wrap = True
        table.columns[2].justify = "right"
        self.console.print(table)

    def decibans(self, headings: Sequence[str], rows: Sequence[tuple[tuple[str, ...], float]], digits: int = 1) -> None:
        """A table of names and their decibans, with bars that are scaled to the largest."""
        if not rows:
            return
        widest = max(abs(decibans) for _, decibans in rows) or 1.0
        table = self._table((*headings, "dB", ""))
        for names, decibans in rows:
            style = "cyan" if decibans >= 0 else "yellow"
            bar = Text(self._bar(abs(decibans) / widest), style=style)
            number = signed(decibans, digits).replace("−", "-")
            table.add_row(*(self.text(name, "", NAME_LIMIT) for name in names), number, bar)
        for column in table.columns[-2:]:
            column.no_wrap = True
        table.columns[-2].justify = "right"
        self.console.print(table)

    def facts(self, facts: Mapping[str, str]) -> None:
        table = Table.grid(padding=(0, 2))
        for label, value in facts.items():
            style = "yellow" if label.startswith("warning") else ""
            table.add_row(Text(label, style="bright_black"), self.text(value, style, 600))
        self.console.print()
        self.console.print(table)

    def _table(self, headings: Sequence[str]) -> Table:
        table = Table(box=ASCII if self._ascii else SIMPLE_HEAD, header_style="bold", pad_edge=False)
        for heading in headings:
            table.add_column(heading, overflow="fold")
        return table

    def _bar(self, share: float) -> str:
        """A bar of characters for a share from 0 to 1, an eighth of a character precise; something shows above 0."""
        eighths = max(round(8 * _BAR_WIDTH * min(share, 1.0)), 1 if share > 0 else 0)
        if self._ascii:
            return "#" * -(-eighths // 8)
        return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
