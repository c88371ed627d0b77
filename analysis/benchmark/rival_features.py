"""Features of many pairs on many subsets of canaries: as `analysis.kinship.beside_rivals` has them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from analysis.benchmark.pair_features import Matrix
from analysis.benchmark.whose import Whose
from analysis.kinship.beside_rivals import Tensor, standard_error, standing

EVERYBODY: frozenset[str] = frozenset()
"""No lineage is absent."""
_REMEMBERED = 4  # what was worked out last: folds that follow each other ask for the same


@dataclass
class RivalFeatures:
    """Of what is `alike` in next tokens [n_models, n_references, n_canaries], None where these do not count; `subsets`
    [n_canaries, n_subsets] of 0 and 1."""

    alike: Tensor | None
    whose: Whose
    subsets: npt.NDArray[np.float32]
    _features: Callable[[bool, frozenset[str]], Tensor] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._features = lru_cache(_REMEMBERED)(self._worked_out)

    @property
    def count(self) -> int:
        """How many features of a pair there are."""
        return 0 if self.alike is None else len(self.whose.rivals.beside)

    def __call__(self, absent: frozenset[str] = EVERYBODY) -> Tensor:
        """Of all pairs, on all subsets, as if the lineages `absent` were not in the library:
        [n_subsets, n_models, n_references, n_features].
        """
        return self._features(False, absent)

    def to_learn_from(self, absent: frozenset[str] = EVERYBODY) -> Tensor:
        """The same, but a stranger is scored as if nobody of its own family were in the library: beside its own kin no
        reference would stand out, as one does for a model of an unknown family.
        """
        return self._features(True, absent)

    def standing(self, model: int, canaries: Sequence[int], absent: frozenset[str] = EVERYBODY) -> Matrix:
        """Of one model, on some canaries: [n_features, n_references]."""
        if self.alike is None:
            return np.empty((0, len(self.whose.references)))
        there = ~np.isin(self._lineages, list(absent))
        differences = self.whose.rivals.among(there).differences(self.alike[model][:, canaries])
        return np.asarray(standing(differences).sum(axis=-1))

    def differences(self, absent: frozenset[str], without: int | None = None) -> Tensor:
        """How much more alike than its rivals each reference is [n_features, n_models, n_references, n_canaries].

        Lineages `absent` are nobody's rivals, and, of the models of a family, by number, its own are not either:
        `without`, whose models are then the only ones.
        """
        assert self.alike is not None
        there = ~np.isin(self._lineages, list(absent))
        if without is None:
            return self.whose.rivals.among(there).differences(self.alike)
        there &= self.whose.columns != without
        return self.whose.rivals.among(there).differences(self.alike[self.whose.rows == without])

    @cached_property
    def _lineages(self) -> npt.NDArray[np.str_]:
        """Of the references."""
        return np.array([self.whose.lineages[place] for place in self.whose.references])

    def _worked_out(self, learning: bool, absent: frozenset[str]) -> Tensor:
        if self.alike is None:
            return np.empty((self.subsets.shape[1], *self.whose.related.shape, 0), np.float32)
        found = self._standing(self.differences(absent)) if not learning else self(absent).copy()
        for family in range(len(self.whose.families)) if learning else ():
            rows, strangers = (np.flatnonzero(one) for one in (self.whose.rows == family, self.whose.columns != family))
            alone = self._standing(self.differences(absent, family))
            found[:, rows[:, None], strangers] = alone[:, :, strangers]
        return found

    def _standing(self, differences: Tensor) -> Tensor:
        known, filled = (~np.isnan(differences)).astype(np.float32), np.nan_to_num(differences)
        total = filled @ self.subsets
        error = standard_error(total, filled**2 @ self.subsets, known @ self.subsets)
        return np.asarray((total / error).transpose(3, 1, 2, 0), np.float32)
