"""What was found of the suspects of a case, as the table of docs/cases.md."""

from collections.abc import Callable, Sequence

from runners.cases.outcome import Outcome

_WORDS = {
    "near_identical_copy": "near-identical copy",
    "descends": "descends",
    "no_accusation": "no accusation",
    "measures_disagree": "the measures disagree",
    "shared_ancestry": "shared ancestry",
    "independent_not_rejected": "independence not rejected",
}
_ROWS: dict[str, Callable[[Outcome], str]] = {
    "model": lambda one: f"`{one.model}`",
    "said to come from": lambda one: f"`{one.parent}`" if one.parent else "not said",
    "tokenizer fits": lambda one: ", ".join(one.found.tokenizers) or "not known",
    "architecture": lambda one: _architecture(one),
    "family": lambda one: _family(one),
    "descent": lambda one: _descent(one),
    "its answers from those of the model named": lambda one: _apart(one),
    "weights together": lambda one: one.found.weights.shared if one.found.weights else "not compared",
    "the accuser's `std_profile`": lambda one: _profile(one),
    "deciding measures on weights": lambda one: _deciding(one),
    "**conclusion**": lambda one: f"**{_WORDS[one.found.conclusion]}**" if one.parent else "not compared",
    "as it has to be": lambda one: "yes" if one.right else f"**no**: {'; '.join(one.missed)}",
    "queries": lambda one: str(one.queries),
    "seconds": lambda one: f"{one.seconds:.0f}",
    "seconds of processors": lambda one: "not measured" if one.cpu_seconds is None else f"{one.cpu_seconds:.0f}",
}


def table(outcomes: Sequence[Outcome]) -> str:
    """In Markdown, a column for every suspect; rows that say nothing of any of them are left out."""
    head = ["", *(f"`{one.suspect}`" for one in outcomes)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name, cell in _ROWS.items():
        cells = [cell(one) for one in outcomes]
        if set(cells) - {"not compared", "not tested", "not known", "not said"}:
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _architecture(one: Outcome) -> str:
    weights = one.found.weights
    if weights is None:
        return "not compared"
    return "the same" if weights.same_architecture else "another"


def _family(one: Outcome) -> str:
    found = one.found
    p = "" if found.p is None else f", {found.likeliest} {found.p:.3f}"
    return f"{found.family or found.decision}{p}"


def _descent(one: Outcome) -> str:
    found = one.found
    if found.descent is None:
        return "not tested"
    figures = [f"effect {found.effect:.2f}"] if found.effect is not None else []
    figures += [f"p = {found.p_value:.2g}"] if found.p_value is not None else []
    said = _WORDS.get(found.descent, found.descent)
    return f"{said} ({', '.join(figures)})" if figures else said


def _apart(one: Outcome) -> str:
    return "not compared" if one.found.apart is None else f"{100 * one.found.apart:.1f}% of what strangers are apart"


def _profile(one: Outcome) -> str:
    weights = one.found.weights
    if weights is None or weights.std_profile is None:
        return "not compared"
    return f"{weights.std_profile:.3f}; {weights.reached} of {weights.pairs} pairs of strangers reach it"


def _deciding(one: Outcome) -> str:
    weights = one.found.weights
    if weights is None:
        return "not compared"
    known = [f"{name} {value:.3f}" for name, value in weights.deciding.items() if value is not None]
    return ", ".join(known) or "none could be taken"
