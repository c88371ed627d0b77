"""The tree of a library: references and recordings placed by how alike they answer.

Affinity is what `analysis.kinship.pairing` makes of each channel that decides (the excess over what strangers usually
show, as a share of what it could be), averaged over the channels; the distance is sqrt(1 - affinity), which for the
affinity of Bhattacharyya is the distance of Hellinger (1909). docs/tree.md says what was tried beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.attribution.rules import Rules, check, without_tokenizer
from analysis.benchmark.compared import Compared
from analysis.benchmark.pair_features import PairFeatures
from analysis.equality.comparable import Comparable, comparable
from analysis.kinship.similarities import Tensor, similarities
from analysis.libraries.library import Library
from analysis.trees.tree import Matrix, Tree, average_linkage, neighbour_joining
from analysis.trees.treelikeness import mean_delta
from probes.errors import LibraryError
from probes.recording import Recording

_SAME = 0.999
"""Affinity from which on two models are one: what is kept of answers is rounded by less."""
_AT_ONCE = 100  # replicates whose affinities stand in memory together


@dataclass(frozen=True)
class FamilyTree:
    """Two trees of the same `distances` [n, n], and what they rest on.

    `families`: of references; None for a recording. `left_out`: references and channels that are not part of it, and
    why. The support of branches is of `replicates` draws of `canaries`. `delta`: see `analysis.trees.treelikeness`.
    """

    names: tuple[str, ...]
    families: tuple[str | None, ...]
    distances: Matrix
    dendrogram: Tree
    neighbour_joining: Tree
    canaries: int
    tier: str
    channels: tuple[str, ...]
    library: str
    replicates: int
    left_out: dict[str, str]
    delta: float | None

    @property
    def apart(self) -> dict[str, tuple[bool, bool]]:
        """Of families with two references or more: whether they are a clade of the one tree, a split of the other."""
        places: dict[str, list[int]] = {}
        for place, family in enumerate(self.families):
            if family is not None:
                places.setdefault(family, []).append(place)
        return {
            family: (self.dendrogram.sets_apart(group), self.neighbour_joining.sets_apart(group))
            for family, group in places.items()
            if len(group) > 1
        }


def family_tree(
    library: Library,
    recordings: Sequence[Recording] = (),
    like: str | None = None,
    rules: Rules | None = None,
    replicates: int = 200,
    seed: int = 0,
) -> FamilyTree:
    """Both trees of a library's references (see `comparable`) and of recordings, with support.

    Raises LibraryError or RecordingError if they can't be compared: too few prompts that all were asked and answered.
    """
    rules = rules or Rules()
    check(rules, library)
    models = comparable(library, recordings, like, rules.min_canaries)
    wanted = [name for name in without_tokenizer(rules.channels) if name not in rules.switched_off]
    left_out = _unfed(models, wanted)
    channels = [name for name in wanted if name not in left_out]
    tensor = similarities(models.signatures, models.signatures, channels)
    scarce = _scarce(models, channels, tensor, rules.min_canaries)
    kept = [place for place, name in enumerate(channels) if name not in scarce]
    left_out |= scarce
    if not kept:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise LibraryError(f"no channel compares all models ({reasons or 'all are switched off'})")
    distances = Distances.of(tensor[kept], models.families)
    once = np.ones((distances.n_canaries, 1), np.float32)
    [whole] = distances(once)
    drawn = list(distances.redrawn(replicates, seed))
    return FamilyTree(
        names=models.names,
        families=models.families,
        distances=whole,
        dendrogram=average_linkage(whole).supported_by(average_linkage(one) for one in drawn),
        neighbour_joining=neighbour_joining(whole).supported_by(neighbour_joining(one) for one in drawn),
        canaries=distances.n_canaries,
        tier=models.access.tier,
        channels=tuple(channels[place] for place in kept),
        library=library.version,
        replicates=replicates,
        left_out=models.left_out | left_out,
        delta=mean_delta(whole),
    )


@dataclass(frozen=True)
class Distances:
    """Distances between all models on any canaries. `terms`: of all pairs, one a row; `background`: of strangers."""

    n_models: int
    pairs: Tensor
    background: Matrix

    @classmethod
    def of(cls, tensor: Tensor, families: Sequence[str | None]) -> "Distances":
        """From similarities [n_channels, n, n, n_canaries]; models without a family are no part of the background."""
        n = len(families)
        known = np.array([family is not None for family in families])
        _, number = np.unique([family or "" for family in families], return_inverse=True)
        nothing = np.empty((tensor.shape[-1], 0), np.float32)
        background = PairFeatures(Compared(tensor), nothing, number, number).background(known[:, None] & known)
        one, other = np.triu_indices(n, 1)
        return cls(n, tensor[:, one, other][:, :, None], background)

    @property
    def n_canaries(self) -> int:
        return int(self.pairs.shape[-1])

    def __call__(self, weights: npt.NDArray[np.float32]) -> Iterator[Matrix]:
        """For each column of `weights` [n_canaries, n_draws], how often a canary counts: [n, n]."""
        pair = np.zeros(1, np.intp)
        features = PairFeatures(Compared(self.pairs), weights, np.zeros(self.pairs.shape[1], np.intp), pair)
        for affinity in features(self.background).mean(axis=-1, dtype=np.float64)[..., 0]:
            square = np.zeros((self.n_models, self.n_models))
            beyond = np.sqrt(np.clip(np.where(affinity >= _SAME, 0, 1 - affinity), 0, None))
            square[np.triu_indices(self.n_models, 1)] = beyond
            yield square + square.T

    def redrawn(self, replicates: int, seed: int) -> Iterator[Matrix]:
        """On as many canaries drawn with replacement, `replicates` times."""
        generator = np.random.default_rng(seed)
        n = self.n_canaries
        for start in range(0, replicates, _AT_ONCE):
            draws = generator.multinomial(n, np.full(n, 1 / n), size=min(_AT_ONCE, replicates - start))
            yield from self(draws.T.astype(np.float32))


def _unfed(models: Comparable, channels: Sequence[str]) -> dict[str, str]:
    """Channels that not everybody feeds: nobody may look like a stranger for lack of an answer."""
    return {
        name: f"{label} has nothing for it: {one.unfed[name]}"
        for name in channels
        for label, one in reversed(list(zip(models.names, models.signatures, strict=True)))
        if name in one.unfed
    }


def _scarce(models: Comparable, channels: Sequence[str], tensor: Tensor, least: int) -> dict[str, str]:
    """Channels in which some pair shares too few canaries."""
    why = {}
    for place, name in enumerate(channels):
        known = (~np.isnan(tensor[place])).sum(axis=-1)
        one, other = divmod(int(known.argmin()), len(known))
        if known[one, other] < least:
            why[name] = f"{models.names[one]} and {models.names[other]} share {known[one, other]} canaries in it"
    return why
