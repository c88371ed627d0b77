"""What pairs of known models teach about kinship: a classifier that has seen rare cases, and how sharp it may be."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.benchmark.pair_features import Mask
from analysis.benchmark.rare_cases import Layout, with_rare_cases
from analysis.benchmark.temperature import tempered
from analysis.benchmark.whose import Whose
from analysis.kinship.classifier import KinshipClassifier
from analysis.kinship.fitted import LinearKinship


@dataclass(frozen=True)
class PairLearner:
    """Learns from models and references, each `whose` it is.

    Of what was answered are the channels and what stands beside rivals (`layout`). The penalty on the coefficients is
    scikit-learn's default.
    """

    whose: Whose
    layout: Layout

    def can_learn(self, training: Mask) -> bool:
        """Whether the pairs in `training` [n_models, n_references] hold both kin and strangers."""
        return bool(self.whose.kin[training].any() and self.whose.strangers[training].any())

    def fit(self, drawn: npt.NDArray[np.float32], training: Mask) -> LinearKinship:
        """From draws of canaries together, [n_draws, n_models, n_references, n_features], the pairs in `training`.

        Two seeds of one recipe share a family and no weights: they teach nothing, since what is told from strangers
        would else be the recipe. Every pair of families weighs the same, however many models they have. How sharp is
        found draw by draw: the mean is taken.
        """
        learned = training & (self.whose.kin | self.whose.strangers)
        pairs = drawn[:, learned].reshape(-1, drawn.shape[-1])
        kin = np.tile(self.whose.kin[learned], len(drawn))
        weight = np.tile(self.whose.even_weights(learned), len(drawn))
        label = kin.astype(np.intp)
        if self.layout.tokenizer is not None:
            pairs, label, weight = with_rare_cases(pairs, kin, weight, self.layout)
        kinship = KinshipClassifier(similarities=True)
        kinship.fit(pairs, label, sample_weight=weight)
        linear = LinearKinship(kinship.slopes, kinship.intercept)
        sharp = [tempered(linear, one, training, self.whose, self.layout) for one in drawn]
        return LinearKinship(
            np.mean([one.slopes for one in sharp], axis=0), float(np.mean([one.intercept for one in sharp]))
        )
