"""An answer of `analysis.equality.equality`, in words for a terminal."""

from analysis.equality.equality import Equality

_HEAD = {
    "same": "Same: no farther apart than what counts as the same",
    "different": "Different: farther apart than one model is from itself",
    "undecidable": "Undecidable: neither shown to be the same nor to differ",
}


def in_words(found: Equality) -> str:
    """A few lines: the decision, what it rests on, and its limits."""
    measured = "distance of first-token distributions" if found.basis == "tops" else "distance of sampled answers"
    basis = {"default": "the default", "setting": "as set", "repeats": "measured from repeats"}[found.margin.basis]
    beyond = "beyond the margin" if found.basis == "tops" else "with other greedy answers"
    rows = [
        _HEAD[found.decision],
        "",
        f"  mean {measured:<42}{found.size:.3g}  ({1 - found.alpha:.0%}: {_span(found.interval)})",
        f"  {'what counts as the same':<47}{found.margin.value:.3g}  ({basis})",
        f"  {'p-value of no difference':<47}{_p(found.p_different)}",
        f"  {'p-value of a difference beyond the margin':<47}{_p(found.p_same)}",
        f"  {'canaries':<47}{found.canaries}, {found.differ} {beyond}",
        f"  {'greedy answers that begin alike':<47}{found.greedy_agree:.0%}",
    ]
    if found.kind is not None:
        rows.append(f"  {'kind of difference':<47}{found.kind.replace('_', ' ')}")
    return "\n".join([*rows, *(f"  {line}" for line in found.why)])


def _span(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.3g} to {interval[1]:.3g}"


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 1e-4 else "below 0.0001"
