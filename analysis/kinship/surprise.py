"""Pair features from surprising agreement: what `Pairing` does, with a background of its own for every answer."""

import numpy as np
import numpy.typing as npt

from analysis.kinship.typicality import Typicality

_Places = npt.NDArray[np.intp]


def surprise_terms(learned: Typicality, candidates: _Places, references: _Places) -> npt.NDArray[np.float32]:
    """What each canary adds to each channel's score: [n_channels, n_candidates, n_references, n_canaries], NaN unknown.

    Similarity above the mean typicality of the two answers, in units of its surprise (nats).
    """
    typical = (learned(candidates)[:, :, None] + learned(references)[:, None]) / 2
    floor = 0.5 / max(len(learned.similar), 2)  # as rare as an answer can be known to be, with so many families
    similarity = learned.tensor[:, candidates[:, None], references]
    terms: npt.NDArray[np.float32] = (similarity - typical) * -np.log(floor + (1 - floor) * typical)
    return terms


def surprise_features(
    learned: Typicality,
    candidates: _Places,
    references: _Places,
    subsets: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """Pair features for each subset of canaries: [n_subsets, n_candidates, n_references, 3 n_channels].

    `subsets` [n_canaries, n_subsets] are 0 or 1, `weights` [n_channels, n_canaries] say how much each canary counts. A
    channel's features are the mean over the known canaries of a subset; the same measured in the spread of the
    candidate's own scores with all families (some models are more like everybody than others); and that of the
    weighted mean.
    """
    terms = surprise_terms(learned, candidates, references)
    known = ~np.isnan(terms)
    np.nan_to_num(terms, copy=False)
    plain = _means(terms, known.astype(np.float32), subsets)
    weighted = _means(terms, known * weights[:, None, None], subsets)
    families = learned.families[references]
    shares = np.array([1 / (families == family).sum() for family in families], dtype=np.float32)
    shares /= shares.sum()
    parts = [plain, _relative(plain, shares), _relative(weighted, shares)]
    features: npt.NDArray[np.float32] = np.moveaxis(np.concatenate(parts), (0, 3), (3, 0))
    return features


def _means(
    terms: npt.NDArray[np.float32], weights: npt.NDArray[np.float32], subsets: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Weighted means over subsets of canaries: [n_channels, n_candidates, n_references, n_subsets]."""
    means: npt.NDArray[np.float32] = ((terms * weights) @ subsets) / np.maximum(weights @ subsets, 1e-6)
    return means


def _relative(scores: npt.NDArray[np.float32], shares: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scores over references less their mean, in units of their spread, every family weighing the same."""
    usual = np.einsum("kijs,j->kis", scores, shares)[:, :, None]
    spread = np.sqrt(np.einsum("kijs,j->kis", (scores - usual) ** 2, shares))[:, :, None]
    relative: npt.NDArray[np.float32] = (scores - usual) / np.maximum(spread, 1e-6)
    return relative
