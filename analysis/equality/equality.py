"""Are two recordings of the same model? `same` only by a test of equivalence, `different` only by a test of difference.

Where both sides show logprobs, two runs of the same weights differ by their arithmetic, which is no sampling noise:
what counts as the same is a margin, written down or measured from repeats. Where only sampled answers are known, the
noise is that of sampling, which a randomisation test knows exactly.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import bootstrap, norm, ttest_1samp

from analysis.equality.betting import p_at_least, p_at_most
from analysis.equality.paired import Paired
from analysis.equality.paired_draws import p_equal
from probes.errors import KinprintError

Decision = Literal["same", "different", "undecidable"]
MARGIN_OF_TOPS = 5e-4
"""Mean distance (see `analysis.equality.paired_tops`) up to which two models count as the same: about twice what
SmolLM2 in float32 by plain transformers is from itself in bfloat16 by vLLM (2.3e-4; 297 canaries, top 20)."""
MARGIN_OF_DRAWS = 0.02
"""The same for sampled answers (see `analysis.equality.paired_draws`): about a quarter of what strangers are apart,
0.08 to 0.12."""
LEAST_MARGIN = 2e-5
"""What logits that were kept in 16 bits leave of nothing."""
CAP = 5
"""A canary counts at most so many margins, so that one can't carry the mean, nor hide behind the others for long."""


@dataclass(frozen=True)
class Margin:
    """What counts as the same, and where that comes from: `default`, `setting` or `repeats`."""

    value: float
    basis: str


@dataclass(frozen=True)
class Equality:
    """What is said of two recordings.

    `p_different` is the p-value of "no more apart than the margin" (at `draws`: of "the very same distributions"),
    `p_same` that of "at least the margin apart"; at `tops` a canary counts at most `CAP` margins in both. `size` is the
    mean distance, `interval` its bootstrap interval over canaries, of level 1 - alpha.
    `differ`: canaries beyond the margin (at `draws`: whose greedy answers begin otherwise).
    """

    decision: Decision
    basis: Literal["tops", "draws"]
    canaries: int
    alpha: float
    margin: Margin
    p_different: float
    p_same: float
    size: float
    interval: tuple[float, float]
    differ: int
    greedy_agree: float
    kind: str | None = None
    why: tuple[str, ...] = ()

    def entry(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def measured_margin(repeats: Sequence[Paired]) -> Margin:
    """Twice the upper 95% bound of the mean distance between recordings of the same weights, at least
    `LEAST_MARGIN`."""
    apart = np.concatenate([paired.distances for paired in repeats])
    upper = apart.mean() + norm.ppf(0.95) * apart.std(ddof=1) / np.sqrt(len(apart))
    return Margin(max(2 * float(upper), LEAST_MARGIN), "repeats")


def equality(paired: Paired, alpha: float = 0.01, margin: Margin | None = None, seed: int = 0) -> Equality:
    """Decide. Raises KinprintError on an alpha or a margin that makes no sense."""
    defaults = {"tops": MARGIN_OF_TOPS, "draws": MARGIN_OF_DRAWS}
    margin = margin or Margin(defaults[paired.basis], "default")
    if not 0 < alpha < 0.5 or not 0 < margin.value < 1:
        raise KinprintError(f"alpha must lie in (0, 0.5) and margin in (0, 1); they are {alpha} and {margin.value}")
    found = _of_tops(paired, alpha, margin, seed) if paired.basis == "tops" else _of_draws(paired, alpha, margin, seed)
    return replace(found, why=tuple(_in_words(found, margin)))


def _of_tops(paired: Paired, alpha: float, margin: Margin, seed: int) -> Equality:
    capped = np.minimum(paired.distances / (CAP * margin.value), 1.0)
    p_different, p_same = p_at_most(capped, 1 / CAP), p_at_least(capped, 1 / CAP)
    return _decided(paired, alpha, margin, seed, p_different, p_same, paired.distances > margin.value)


def _of_draws(paired: Paired, alpha: float, margin: Margin, seed: int) -> Equality:
    p_different, p_same = p_equal(paired.draws, seed), _p_margin_apart(paired.distances, margin.value)
    return _decided(paired, alpha, margin, seed, p_different, p_same, ~paired.agree)


def _decided(
    paired: Paired,
    alpha: float,
    margin: Margin,
    seed: int,
    p_different: float,
    p_same: float,
    differ: npt.NDArray[np.bool_],
) -> Equality:
    return Equality(
        decision="same" if p_same <= alpha else "different" if p_different <= alpha else "undecidable",
        basis=paired.basis,
        canaries=len(paired.distances),
        alpha=alpha,
        margin=margin,
        p_different=p_different,
        p_same=p_same,
        size=float(paired.distances.mean()),
        interval=_interval(paired.distances, alpha, seed),
        differ=int(differ.sum()),
        greedy_agree=float(paired.agree.mean()),
    )


def _interval(apart: npt.NDArray[np.float64], alpha: float, seed: int) -> tuple[float, float]:
    """Bounds of the mean of distances [n]: the BCa bootstrap over canaries (Efron 1987)."""
    if np.ptp(apart) == 0:
        return float(apart[0]), float(apart[0])
    found = bootstrap((apart,), np.mean, confidence_level=1 - alpha, n_resamples=1999, rng=np.random.default_rng(seed))
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _p_margin_apart(apart: npt.NDArray[np.float64], margin: float) -> float:
    """The p-value of "at least the margin apart" for unbiased distances [n]: Student's t, and never below what n bear.

    A share of `margin` / 2 of canaries may be answered all differently (a distance of 2, where neither side varies) and
    the rest alike: that none of n canaries shows it has the probability (1 - margin / 2)^n, which no spread among the
    others can tell.
    """
    borne = float((1 - margin / 2) ** len(apart))
    if np.ptp(apart) == 0:
        return borne if apart[0] < margin else 1.0
    return max(float(ttest_1samp(apart, margin, alternative="less").pvalue), borne)


def _in_words(found: Equality, margin: Margin) -> list[str]:
    """Why the decision is what it is."""
    said = []
    if found.decision == "same" and found.p_different <= found.alpha:
        said.append("there is a difference, and it is smaller than the margin")
    if found.decision == "undecidable":
        side = "as near as the margin" if found.size < margin.value else "farther apart than the margin"
        said.append(
            f"they look {side}, but {found.canaries} canaries can't tell at alpha {found.alpha:g}; ask more of them"
            + (", or with more draws, or where logprobs are given" if found.basis == "draws" else "")
        )
    if found.basis == "tops" and margin.basis == "default":
        said.append(
            "the margin is a default: with a repeat of a recording (again=[DIR]) it is measured, and finer changes show"
        )
    return said
