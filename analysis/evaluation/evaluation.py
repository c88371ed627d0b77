"""How well a library attributes: its models left out one at a time, and family by family, at several budgets."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from analysis.evaluation.folds import Places, Settings, Subsets, compare, compare_inside, fit
from analysis.evaluation.result import result
from analysis.kinship.canary_weights import PairMoments
from analysis.kinship.chosen_canaries import PairSample
from analysis.kinship.known_pairs import Tensor
from analysis.kinship.similarities import similarities
from analysis.kinship.typicality import Typicality
from analysis.libraries.lineage import Lineage
from analysis.one_thread import one_thread
from analysis.signatures.signature import Signature
from probes.errors import LibraryError

Budget = int | Literal["all"]
Step = Callable[[str, int], Callable[[], object]]
_FITTED_SEEDS = 3  # of a budget's random subsets that are learned from; they are alike, and all are attributed with
_LARGE = 60  # models: from here on the pairs of one subset are enough to learn from

DEFAULTS = ("next_token", "greedy", "first_word", "wording")
"""Channels of which some decide where none are named."""


@dataclass(frozen=True)
class Plan:
    """What is done: budgets of canaries, how many seeds draw them at random, the channels that decide, and how many
    models or families are left out at a time, each by a thread, which changes no figure.

    No channels means those that decide best at the access that the recordings were made with.
    """

    budgets: tuple[Budget, ...] = (8, 16, 32, 64, "all")
    seeds: int = 20
    channels: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    jobs: int = 1


@dataclass
class Said:
    """Log posteriors of one model in one fold: by budget, `random` [n_seeds, n_classes] and `chosen` [n_classes]."""

    model: int
    known: bool
    random: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)
    chosen: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True)
class Models:
    """What an evaluation looks at: the lineage of each model, and how alike they answered, `similarity` [n_channels, n,
    n, n_canaries]; `channels` those that were fed. The signatures, which take more memory, are not needed any more."""

    lineage: tuple[Lineage, ...]
    channels: tuple[str, ...]
    similarity: Tensor

    @classmethod
    def of(
        cls,
        signatures: Sequence[Signature],
        lineage: Mapping[str, Lineage],
        plan: Plan,
        step: Step = lambda what, total: lambda: None,
    ) -> Self:
        """Compare aligned signatures. Raises LibraryError if there are too few of them, or nothing to compare."""
        models = tuple(lineage[one.name] for one in signatures)
        _check(models, len({model.family for model in models}))
        asked_for = plan.channels or default_channels(signatures)
        channels = tuple(name for name in asked_for if any(name in one.channels for one in signatures))
        if channels:
            done = step("comparing models, by channel", len(channels))
            tensor = similarities(signatures, signatures, channels, done, mirrored=True)
        fed = [not all(np.isnan(one).all() for one in of_channel) for of_channel in tensor] if channels else []
        if not any(fed):
            raise LibraryError(f"the recordings feed none of the channels {', '.join(asked_for)}")
        return cls(models, tuple(np.array(channels)[fed].tolist()), tensor if all(fed) else tensor[fed])


def evaluate(
    signatures: Sequence[Signature], lineage: Mapping[str, Lineage], plan: Plan | None = None
) -> dict[str, Any]:
    """Evaluate aligned signatures, each of which has a line in `lineage`; returns the JSON of `kinprint evaluate`.

    Raises LibraryError if there are too few models, families or canaries.
    """
    plan = plan or Plan()
    return evaluate_models(Models.of(signatures, lineage, plan), plan)


def evaluate_models(models: Models, plan: Plan, step: Step = lambda what, total: lambda: None) -> dict[str, Any]:
    """Evaluate models that were compared, whose similarities are used up: what is unknown of them becomes 0.

    `step(what, total)` gives a function to be called at every step of what takes long.
    """
    families, weights = (
        np.unique([getattr(m, key) for m in models.lineage], return_inverse=True) for key in ("family", "weights")
    )
    eligible, warnings = eligible_canaries(models.similarity)
    sizes = {
        budget: min(len(eligible), budget) if isinstance(budget, int) else len(eligible) for budget in plan.budgets
    }
    said = _all_folds(models.similarity, (families[1], weights[1]), eligible, sorted(set(sizes.values())), plan, step)
    warnings += [
        f"budget {b} was clipped to the {n} canaries that exist" for b, n in sizes.items() if b not in (n, "all")
    ]
    about = {
        "channels": list(models.channels),
        "models": len(models.lineage),
        "families": len(families[0]),
        "canaries": len(eligible),
        "seeds": plan.seeds,
        "unknown_prior": plan.settings.unknown_prior,
    }
    found = result(said, models.lineage, families[0].tolist(), sizes, plan.settings.unknown_prior, warnings)
    return found | {"about": about}


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
    done = step("leaving out models and families", len(folds))
    smaller = [size for size in sizes if size < len(eligible)]
    drawn = random_subsets(tensor.shape[-1], eligible, smaller, plan.seeds)

    def said(number: int) -> list[Said]:
        out, known = folds[number]
        return _fold(everything.without(out), out, known, drawn, eligible, sizes, plan, number)

    # Of matrices as small as these, several folds at a time keep processors busier than several threads a matrix.
    with one_thread(), ThreadPoolExecutor(plan.jobs) as pool:
        found = []
        for fold in pool.map(said, range(len(folds))):
            found += fold
            done()
    return found


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
    """Learn from the rest, and say what it thinks of those left out.

    `drawn` [n_canaries, n_smaller * n_seeds], for each of the sizes, in ascending order, below the number of eligible.
    """
    smaller, n_sizes = [size for size in sizes if size < len(eligible)], len(sizes)
    sample = PairSample(learned, seed) if smaller else None
    moments = PairMoments.of(learned) if sample is None else PairMoments.of(learned, sample.look)
    best = eligible if sample is None else sample.choose(max(smaller), eligible)
    del sample
    chosen = np.zeros((len(drawn), n_sizes), np.float32)
    for place, size in enumerate(sizes):
        chosen[best[:size] if size in smaller else eligible, place] = 1
    few = min(plan.seeds, _FITTED_SEEDS if len(learned.families) < _LARGE else 1)
    blocks = [list(range(plan.seeds * place, plan.seeds * (place + 1))) for place in range(len(smaller))]
    some = [subset for block in blocks for subset in block[:few]]
    inside = compare_inside(learned, np.hstack([chosen, drawn[:, some]]), moments, seed)
    outside = compare(learned, out, np.hstack([chosen, drawn]), moments.weights(), known)
    said = [Said(int(model), known) for model in out]
    for place, size in enumerate(sizes):
        by_choice = fit(learned, inside, [place], plan.settings)
        chosen_said = by_choice.log_posterior(learned, outside, place)
        random_said = np.repeat(chosen_said[None], plan.seeds, axis=0)  # of all canaries, there is one set
        if size in smaller:
            by_chance = fit(
                learned, inside, list(range(n_sizes + few * place, n_sizes + few * (place + 1))), plan.settings
            )
            random_said = np.stack(
                [by_chance.log_posterior(learned, outside, n_sizes + subset) for subset in blocks[place]]
            )
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
