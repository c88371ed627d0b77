"""A verdict in words for the terminal."""

from dataclasses import replace

from analysis.report.hostile import NAME_LIMIT, visible
from analysis.verdict import Decision, Shown, Verdict, percent

DECISIONS: dict[Decision, str] = {
    "attributed": "Attributed",
    "unknown": "Unknown family",
    "inconclusive": "Inconclusive",
    "no_signal": "No signal",
}


def sentence(verdict: Verdict) -> str:
    """The verdict in one sentence, with a name that is neither too long nor able to hide anything."""
    name = f"“{visible(verdict.candidate, NAME_LIMIT)}”"
    return visible(replace(verdict, candidate=name).in_words(), 800)


def without_tokenizer(verdict: Verdict) -> str:
    """The likeliest explanation with every channel off that depends on the tokenizer."""
    if not verdict.without_tokenizer:
        return "nothing is left to decide on"
    best = max(verdict.without_tokenizer, key=lambda label: verdict.without_tokenizer[label])
    same = " (no channel that decides depends on it)" if verdict.without_tokenizer == verdict.posterior else ""
    return f"{visible(best, NAME_LIMIT)} {percent(verdict.without_tokenizer[best])}{same}"


def numbers(shown: Shown) -> str:
    """Named numbers in a line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in shown.numbers.items())


def duration(seconds: float) -> str:
    """Seconds for people: `0.8 s`, `2 min 5 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
