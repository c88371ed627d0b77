"""What is held out together: lineages, with everything that touches them."""

from collections.abc import Iterator, Sequence

import numpy as np

from analysis.benchmark.pair_features import Mask, Places
from analysis.benchmark.specimens import Specimen
from analysis.libraries.library import REFERENCES

GROUPS = 5
"""Folds that the lineages of lookalikes are dealt into. Every base of the world is a fold of its own."""


def folds(specimens: Sequence[Specimen]) -> list[frozenset[str]]:
    """Lineages held out at a time; each is in one fold, with those that a teacher ties it to."""
    ties = clusters(specimens)
    bases = {one.lineage for one in specimens if one.kind == "base"}
    alone = [cluster for cluster in ties if cluster & bases]
    dealt = [cluster for cluster in ties if not cluster & bases]
    groups = [frozenset[str]().union(*dealt[start::GROUPS]) for start in range(min(GROUPS, len(dealt)))]
    return alone + groups


def outside(specimen: Specimen, held_out: frozenset[str]) -> bool:
    """Whether a model has nothing to do with the lineages held out, by weights or by teacher."""
    return not specimen.touches & held_out


def known_candidates(
    specimens: Sequence[Specimen], families: Places, references: Places, techniques: bool = True
) -> Iterator[tuple[frozenset[str], str | None, list[int]]]:
    """Lineages held out, technique held out, and the places of the models to test: those with a family in the library.

    `families` [n_models] by number; without `techniques` lineages alone are held out.
    """
    there = set(families[references].tolist())
    known = [place for place, one in enumerate(specimens) if one.kind not in REFERENCES and families[place] in there]
    for held_out in folds(specimens):
        inside = [place for place in known if specimens[place].lineage in held_out]
        if not techniques:
            if inside:
                yield held_out, None, inside
            continue
        for technique in sorted({specimens[place].technique for place in inside}):
            yield held_out, technique, [place for place in inside if specimens[place].technique == technique]


def training_pairs(
    specimens: Sequence[Specimen],
    families: Places,
    references: Places,
    held_out: frozenset[str],
    technique: str | None = None,
    family: int = -1,
) -> Mask:
    """The pairs that may be learned from: [n_models, n_references]; `families` [n_models] by number."""
    free = np.array([outside(one, held_out) for one in specimens])
    rows = free & np.array([one.technique != technique or one.kind in REFERENCES for one in specimens])
    rows, columns = rows & (families != family), free[references] & (families[references] != family)
    different = np.arange(len(specimens))[:, None] != references
    return np.asarray(rows[:, None] & columns & different)


def canary_subsets(n: int, budgets: Sequence[int], seeds: int) -> dict[tuple[int, int], np.ndarray]:
    """Places of the canaries drawn for each (budget, seed); of one seed, smaller draws are parts of larger ones."""
    orders = [np.random.default_rng(seed).permutation(n) for seed in range(seeds)]
    return {(budget, seed): orders[seed][:budget] for budget in budgets for seed in range(seeds)}


def clusters(specimens: Sequence[Specimen]) -> list[frozenset[str]]:
    """Lineages that hang together through teachers, ordered by family and name."""
    found: list[set[str]] = []
    for one in sorted(specimens, key=lambda one: (one.family, one.lineage, one.name)):
        hit = [cluster for cluster in found if cluster & one.touches]
        merged = set(one.touches).union(*hit)
        place = found.index(hit[0]) if hit else len(found)
        found = [cluster for cluster in found if cluster not in hit]
        found.insert(place, merged)
    return [frozenset(cluster) for cluster in found]
