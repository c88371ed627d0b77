"""How well a library attributes: its models left out one at a time, and family by family, at several budgets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from analysis.evaluation.folds import Places, Settings, Subsets, choose, compare, compare_inside, fit
from analysis.evaluation.result import result
from analysis.kinship.canary_weights import PairMoments
from analysis.kinship.similarity import Tensor, similarity_tensor
from analysis.kinship.typicality import Typicality
from analysis.libraries.lineage import Lineage
from analysis.signatures.signature import Signature
from probes.errors import LibraryError

Budget = int | Literal["all"]
_FITTED_SEEDS = 3  # of a budget's random subsets that are learned from; they are alike, and all are attributed with
_LARGE = 60  # models: from here on the pairs of one subset are enough to learn from

DEFAULTS = ("next_token", "greedy", "first_word", "wording")
"""Channels of which some decide where none are named."""


@dataclass(frozen=True)
class Plan:
    """What is done: budgets of canaries, how many seeds draw them at random, the channels that decide.

    No channels means those that decide best at the access that the recordings were made with.
    """

    budgets: tuple[Budget, ...] = (8, 16, 32, 64, "all")
    seeds: int = 20
    channels: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)


@dataclass
class Said:
    """Log posteriors of one model in one fold: by budget, `random` [n_seeds, n_classes] and `chosen` [n_classes]."""

    model: int
    known: bool
    random: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)
    chosen: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)


def evaluate(
    signatures: Sequence[Signature],
    lineage: Mapping[str, Lineage],
    plan: Plan | None = None,
    step: Callable[[str, int], Callable[[], object]] = lambda what, total: lambda: None,
) -> dict[str, Any]:
    """Evaluate aligned signatures, each of which has a line in `lineage`; returns the JSON of `kinprint evaluate`.

    `step(what, total)` gives a function to be called at every step of what takes long. Raises LibraryError if there are
    too few models, families or canaries.
    """
    plan = plan or Plan()
    models = [lineage[one.name] for one in signatures]
    families, weights = (
        np.unique([getattr(m, key) for m in models], return_inverse=True) for key in ("family", "weights")
    )
    _check(models, len(families[0]))
    asked_for = plan.channels or default_channels(signatures)
    tensor = similarity_tensor(signatures, asked_for, step("comparing models", len(signatures)))
    fed = np.asarray(~np.isnan(tensor).all(axis=(1, 2, 3)))
    if not fed.any():
        raise LibraryError(f"the recordings feed none of the channels {', '.join(asked_for)}")
    tensor, channels = tensor[fed], [name for name, there in zip(asked_for, fed.tolist(), strict=True) if there]
    eligible, warnings = eligible_canaries(tensor)
    sizes = {
        budget: min(len(eligible), budget) if isinstance(budget, int) else len(eligible) for budget in plan.budgets
    }
    said = _all_folds(tensor, (families[1], weights[1]), eligible, sorted(set(sizes.values())), plan, step)
    warnings += [
        f"budget {b} was clipped to the {n} canaries that exist" for b, n in sizes.items() if b not in (n, "all")
    ]
    about = {
        "channels": channels,
        "models": len(models),
        "families": len(families[0]),
        "canaries": len(eligible),
        "seeds": plan.seeds,
        "unknown_prior": plan.settings.unknown_prior,
    }
    return result(said, models, families[0].tolist(), sizes, plan.settings.unknown_prior, warnings) | {"about": about}


def default_channels(signatures: Sequence[Signature]) -> tuple[str, ...]:
    """Of text, words and wording: what other channels read from it are parts of these. Logprobs say more than words."""
    with_logprobs = sum(one.access.tier != "text" for one in signatures)
    if with_logprobs == len(signatures):
        return ("next_token", "greedy", "wording")
    return ("first_word", "wording", *(("next_token",) if with_logprobs else ()))


def eligible_canaries(tensor: Tensor) -> tuple[Places, list[str]]:
    """The canaries that at least half of the models answered, and what to say of the others."""
    answered = (~np.isnan(np.diagonal(tensor, axis1=1, axis2=2))).any(axis=0).mean(axis=1)  # [n_canaries]
    eligible = np.flatnonzero(answered >= 0.5)
    if not len(eligible):
        raise LibraryError("no canary was answered by half of the models; there is nothing to compare them on")
    warnings = []
    if left := len(answered) - len(eligible):
        warnings.append(f"{left} canaries were answered by fewer than half of the models and are not used")
    if partial := int((answered[eligible] < 1).sum()):
        warnings.append(
            f"{partial} canaries were answered by some models only; a query without an answer counts all the same"
        )
    return eligible, warnings


def _all_folds(
    tensor: Tensor, groups: tuple[Places, Places], eligible: Places, sizes: list[int], plan: Plan, step: Any
) -> list[Said]:
    families, weights = groups
    everything = Typicality.of(tensor, families, weights)
    folds = [(np.flatnonzero(weights == one), True) for one in np.unique(weights)]
    folds = [(out, known) for out, known in folds if (families[weights != weights[out[0]]] == families[out[0]]).any()]
    folds += [(np.flatnonzero(families == one), False) for one in np.unique(families)]
    done, said = step("leaving out models and families", len(folds)), []
    drawn = random_subsets(tensor.shape[-1], eligible, sizes, plan.seeds)
    with threadpool_limits(1, "blas"):  # the matrices are small: threads would spend their time waiting for each other
        for number, (out, known) in enumerate(folds):
            said += _fold(everything.without(out), out, known, drawn, eligible, sizes, plan, number)
            done()
    return said


def _fold(
    learned: Typicality,
    out: Places,
    known: bool,
    drawn: Subsets,
    eligible: Places,
    sizes: list[int],
    plan: Plan,
    seed: int,
) -> list[Said]:
    """Learn from the rest, and say what it thinks of those left out. `drawn` [n_canaries, n_sizes * n_seeds]."""
    all_size = len(eligible)
    smaller = [size for size in sizes if size < all_size]
    best = choose(learned, max(smaller), eligible, seed) if smaller else eligible
    chosen = np.zeros((len(drawn), len(sizes)), np.float32)
    for place, size in enumerate(sizes):
        chosen[eligible if size == all_size else best[:size], place] = 1
    few = min(plan.seeds, _FITTED_SEEDS if len(learned.families) < _LARGE else 1)
    blocks = [list(range(plan.seeds * place, plan.seeds * (place + 1))) for place in range(len(sizes))]
    moments = PairMoments.of(learned)
    inside = compare_inside(learned, np.hstack([*(drawn[:, block[:few]] for block in blocks), chosen]), moments, seed)
    outside = compare(learned, out, np.hstack([drawn, chosen]), moments.weights(), known)
    said = [Said(int(model), known) for model in out]
    for place, size in enumerate(sizes):
        last = few * len(sizes) + place, plan.seeds * len(sizes) + place
        by_choice = fit(learned, inside, [last[0]], plan.settings)
        chosen_said = by_choice.log_posterior(learned, outside, last[1])
        if size == all_size:
            random_said = np.repeat(chosen_said[None], plan.seeds, axis=0)
        else:
            by_chance = fit(learned, inside, list(range(few * place, few * (place + 1))), plan.settings)
            random_said = np.stack([by_chance.log_posterior(learned, outside, subset) for subset in blocks[place]])
        for row, one in enumerate(said):
            one.random[size], one.chosen[size] = random_said[:, row], chosen_said[row]
    return said


def random_subsets(n_canaries: int, eligible: Places, sizes: Sequence[int], seeds: int) -> Subsets:
    """Canaries drawn without replacement: 0 or 1 [n_canaries, n_sizes * n_seeds], the seeds of a size together."""
    subsets = np.zeros((n_canaries, len(sizes) * seeds), np.float32)
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(eligible)
        for place, size in enumerate(sizes):
            subsets[order[:size], place * seeds + seed] = 1
    return subsets


def _check(models: Sequence[Lineage], n_families: int) -> None:
    if n_families < 2 or len(models) < 3:
        raise LibraryError(
            f"there are {len(models)} models of {n_families} families with both a recording and a line of lineage; "
            "an evaluation needs at least three models and two families"
        )
