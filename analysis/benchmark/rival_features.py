"""Features of many pairs on many subsets of canaries: as `analysis.kinship.beside_rivals` has them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.benchmark.pair_features import Mask, Matrix
from analysis.benchmark.whose import Whose
from analysis.kinship.beside_rivals import Tensor, standard_error, standing, usual

_REMEMBERED = 2  # what was worked out last: folds that follow each other ask for the same


@dataclass(frozen=True)
class _Sums:
    """Of differences [n_features, n_references, n_models, n_canaries], 0 where not `known`; sums of them, of their
    squares, and their number, over each subset of canaries [n_features, n_references, n_models, n_subsets]."""

    differences: Tensor
    known: Tensor
    total: Tensor
    squares: Tensor
    count: Tensor

    @classmethod
    def of(cls, differences: Tensor, subsets: npt.NDArray[np.float32]) -> Self:
        """From differences [n_features, n_models, n_references, n_canaries], NaN where not known."""
        by_reference = np.ascontiguousarray(differences.swapaxes(1, 2))
        known, filled = (~np.isnan(by_reference)).astype(np.float32), np.nan_to_num(by_reference)
        return cls(filled, known, filled @ subsets, filled**2 @ subsets, known @ subsets)


@dataclass
class RivalFeatures:
    """Of what is `alike` in next tokens [n_models, n_references, n_canaries], None where these do not count; `subsets`
    [n_canaries, n_subsets] of 0 and 1.

    What is learned from pairs is `usual` [n_features, n_references, n_canaries]; lineages `absent` are nobody's rivals.
    """

    alike: Tensor | None
    whose: Whose
    subsets: npt.NDArray[np.float32]
    _differences: Callable[[frozenset[str]], Tensor] = field(init=False, repr=False)
    _sums: Callable[[bool, frozenset[str]], _Sums] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._differences = lru_cache(_REMEMBERED)(self._beside_all)
        self._sums = lru_cache(2 * _REMEMBERED)(self._summed)

    @property
    def count(self) -> int:
        """How many features of a pair there are."""
        return 0 if self.alike is None else len(self.whose.rivals.beside)

    def usual(self, training: Mask, absent: frozenset[str]) -> Tensor:
        """What references are to strangers, which are references themselves, of the pairs in `training`."""
        places = self.whose.references
        if self.alike is None:
            return np.empty((0, len(places), len(self.subsets)), np.float32)
        rivals, families = self.whose.rivals.among(self._there(absent)), self.whose.columns
        return usual(rivals, self.alike[places], families, families, training[places])

    def __call__(self, usual: Tensor, absent: frozenset[str]) -> Tensor:
        """Of all pairs, on all subsets: [n_subsets, n_models, n_references, n_features]."""
        return self._nothing if self.alike is None else self._standing(self._sums(False, absent), usual)

    def to_learn_from(self, usual: Tensor, absent: frozenset[str]) -> Tensor:
        """The same, but a stranger is scored as if nobody of its own family were in the library: beside its own kin no
        reference would stand out, as one does for a model of an unknown family.
        """
        return self._nothing if self.alike is None else self._standing(self._sums(True, absent), usual)

    def standing(self, usual: Tensor, model: int, canaries: Sequence[int], absent: frozenset[str]) -> Matrix:
        """Of one model, on some canaries: [n_features, n_references]."""
        if self.alike is None:
            return np.empty((0, len(self.whose.references)))
        differences = self.whose.rivals.among(self._there(absent)).differences(self.alike[model][:, canaries])
        return np.asarray(standing(differences - usual[..., canaries]).sum(axis=-1))

    def of_kin(self, usual: Tensor, kin: Mask, absent: frozenset[str]) -> list[tuple[Mask, Tensor]]:
        """By feature: the pairs of `kin` [n_models, n_references] whose reference has rivals, and what each canary
        shows of them beyond what is usual [n_pairs, n_canaries]."""
        found = []
        for differences in () if self.alike is None else self._differences(absent) - usual[:, None]:
            pairs = kin & ~np.isnan(differences).all(axis=-1)
            found.append((pairs, np.nan_to_num(differences[pairs])))
        return found

    @cached_property
    def _nothing(self) -> Tensor:
        return np.empty((self.subsets.shape[1], *self.whose.related.shape, 0), np.float32)

    def _there(self, absent: frozenset[str]) -> Mask:
        lineages = [self.whose.lineages[place] for place in self.whose.references]
        return ~np.isin(lineages, list(absent))

    def _beside_all(self, absent: frozenset[str]) -> Tensor:
        """[n_features, n_models, n_references, n_canaries]."""
        assert self.alike is not None
        return self.whose.rivals.among(self._there(absent)).differences(self.alike)

    def _beside_others(self, absent: frozenset[str]) -> Tensor:
        """The same; references of a stranger's own family are nobody's rivals there."""
        assert self.alike is not None
        found = self._differences(absent).copy()
        for family in range(len(self.whose.families)):
            rows, others = (np.flatnonzero(one) for one in (self.whose.rows == family, self.whose.columns != family))
            rivals = self.whose.rivals.among(self._there(absent) & (self.whose.columns != family))
            found[:, rows[:, None], others] = rivals.differences(self.alike[rows])[:, :, others]
        return found

    def _summed(self, learning: bool, absent: frozenset[str]) -> _Sums:
        return _Sums.of(self._beside_others(absent) if learning else self._differences(absent), self.subsets)

    def _standing(self, sums: _Sums, usual: Tensor) -> Tensor:
        """Of all differences less what is usual: (d - u)^2 is taken apart, since the sums of d and d^2 stay."""
        level = usual[..., None] * self.subsets
        total = sums.total - sums.known @ level
        squares = sums.squares - 2 * (sums.differences @ level) + sums.known @ (usual[..., None] * level)
        return np.asarray((total / standard_error(total, squares, sums.count)).transpose(3, 2, 1, 0), np.float32)
