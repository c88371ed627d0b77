"""What a family probe costs and how often it is wrong, out of sample: a lineage is judged by the others' replays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.attribution.rules import Rules
from analysis.benchmark.intervals import Figure, clustered
from analysis.sequential.boundary import Judge, passed_at
from analysis.sequential.family_replay import FamilyPaths, Path

NEVER = np.inf


def log_odds_of(probability: float) -> float:
    """Nats."""
    return float(np.log(probability / (1 - probability)))


@dataclass(frozen=True)
class Costs:
    """Canaries until a verdict, by model, `NEVER` where there is none within the budget: of models whose family is
    there until it is named (`family`), and of those whose family was taken out until `unknown` is said."""

    family: dict[int, float]
    unknown: dict[int, float]


def costs(paths: FamilyPaths, alpha: float, rules: Rules) -> Costs:
    """Every model judged by boundaries from all other lineages. Raises LibraryError if they are too few."""
    boundaries = {name: paths.boundaries(name) for name in set(paths.lineages)}

    def spent(path: Path, judge: Judge, needed: float) -> float:
        look = passed_at(judge, path.evidence, alpha, path.log_odds >= log_odds_of(needed))
        return NEVER if look is None else float(paths.looks[look])

    return Costs(
        {p: spent(one, boundaries[paths.lineages[p]].family, rules.attributed_at) for p, one in paths.right.items()},
        {
            p: spent(one, boundaries[paths.lineages[p]].unknown, rules.unknown_at)
            for p, one in paths.unknown_there.items()
        },
    )


def ready_at(paths: Mapping[int, Path], probability: float) -> dict[int, npt.NDArray[np.bool_]]:
    """By model, the looks at which a hypothesis is probable enough to be said: [n_looks]."""
    return {place: path.log_odds >= log_odds_of(probability) for place, path in paths.items()}


def median(spent: Mapping[int, float]) -> float | None:
    """Over models; None where there are none. Infinite where half of them got no verdict."""
    return float(np.median(list(spent.values()))) if spent else None


def saved(chosen: Mapping[int, float], drawn: Mapping[int, float], most: int, lineages: Sequence[str]) -> Figure | None:
    """The share of all queries of random order that choosing saves, for the same decisions about the same models, with
    its interval over lineages. Who got no verdict counts with the whole budget `most`, on both sides."""
    places = sorted(chosen.keys() & drawn.keys())
    spent = [(min(chosen[place], most), min(drawn[place], most)) for place in places]
    mean = sum(at_random for _, at_random in spent) / max(len(spent), 1)
    shares = [(at_random - with_choice) / mean for with_choice, at_random in spent]
    return clustered(shares, [lineages[place] for place in places], share=False)
