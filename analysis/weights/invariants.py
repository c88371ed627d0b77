"""Measures that no permutation or rotation of the hidden space changes, of two summaries."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.weights.profiles import pearson, stretched
from analysis.weights.summary import BETWEEN, Summary

Numbers = npt.NDArray[np.float64]
LEAST_SHARED = 32
"""Tokens that both must have kept for anything to be said about them."""
_PERMUTATIONS = 100
_ALIGNED = 512


@dataclass(frozen=True)
class Shared:
    """The tokens that both have kept: places of the same tokens in a's list and in b's."""

    a: npt.NDArray[np.intp]
    b: npt.NDArray[np.intp]

    def among(self, first: int) -> "Shared":
        """Those that are among the first so many of both lists."""
        kept = (self.a < first) & (self.b < first)
        return Shared(self.a[kept], self.b[kept])

    def __len__(self) -> int:
        return len(self.a)


def shared_tokens(a: Summary, b: Summary) -> Shared:
    """Tokens are matched by their bytes, whatever their numbers are in either vocabulary."""
    place = {spelled: number for number, spelled in enumerate(b.spelled)}
    pairs = [(number, place[spelled]) for number, spelled in enumerate(a.spelled) if spelled in place]
    places = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return Shared(places[:, 0], places[:, 1])


def spectra_correlation(first: Numbers, second: Numbers) -> float | None:
    """How alike the spectra of a circuit differ from layer to layer; None with fewer than three layers.

    Of the logarithms of singular values [layers, quantiles], stretched to one depth, each layer's mean is taken out
    (the scale of the weights) and then the mean over layers (the shape that all spectra have); what is left is
    correlated. Weight spectra as fingerprints: Martin, Mahoney 2021; Zhang et al. 2025 (SELF, arXiv:2512.03620).
    """
    depth = max(len(first), len(second))
    if min(len(first), len(second)) < 3:
        return None
    return pearson(*(_centred(stretched(one, depth)) for one in (first, second)))


def circuit_correlations(first: npt.NDArray[np.float16], second: npt.NDArray[np.float16], shared: Shared) -> Numbers:
    """The cosines of one circuit between the tokens that both have kept, [layers of a, layers of b]."""
    one, other = (
        _normal(np.stack([layer[np.ix_(places, places)].astype(np.float64).ravel() for layer in circuits]))
        for circuits, places in ((first, shared.a), (second, shared.b))
    )
    return one @ other.T


def usable_circuits(a: Summary, b: Summary, shared: Shared) -> Shared | None:
    """The tokens that circuits can be compared at; None where they are too few or a side has none."""
    among = shared.among(BETWEEN)
    return among if len(among) >= LEAST_SHARED and len(a.circuits["qk"]) and len(b.circuits["qk"]) else None


def alignment(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> tuple[float, float]:
    """How alike the same tokens lie in two embeddings, and what 99% of random pairings stay below.

    Linear centred kernel alignment (Kornblith et al. 2019, section 3) in its unbiased form (Song et al. 2012, eq. 5),
    which is 0 in the mean for unrelated embeddings however few the tokens [tokens, hidden; the first 512 count]. The
    null pairs each token with another one at random: beyond it the meanings of tokens agree, as strangers' do, too.
    """
    one, other = (_unbiased(rows[:_ALIGNED].astype(np.float64)) for rows in (first, second))
    norm = float(np.sqrt(_product(one, one) * _product(other, other))) or 1.0
    random = np.random.default_rng(0)
    orders = (random.permutation(len(other)) for _ in range(_PERMUTATIONS))
    null = [_product(one, other[np.ix_(order, order)]) / norm for order in orders]
    return float(np.clip(_product(one, other) / norm, -1.0, 1.0)), float(np.quantile(null, 0.99))


def match_layers(alike: Numbers) -> list[tuple[int, int]]:
    """Pairs each layer of the shorter model with one of the longer, in order, so that they are most alike in sum.

    `alike` [layers of a, layers of b]. Equally many are paired one by one.
    """
    if alike.shape[0] > alike.shape[1]:
        return [(a, b) for b, a in match_layers(alike.T)]
    short, long = alike.shape
    best = np.full((short + 1, long + 1), -np.inf)
    best[0] = 0.0
    for i in range(1, short + 1):
        for j in range(i, long + 1):
            best[i, j] = max(best[i, j - 1], best[i - 1, j - 1] + alike[i - 1, j - 1])
    pairs, i, j = [], short, long
    while i > 0:
        if j > i and best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
    return pairs[::-1]


def by_depth(layers_a: int, layers_b: int) -> list[tuple[int, int]]:
    """The same by relative depth alone, where nothing else can be compared."""
    short, long = sorted((layers_a, layers_b))
    places = np.round(np.linspace(0, long - 1, short)).astype(int).tolist()
    pairs = list(enumerate(places))
    return pairs if layers_a <= layers_b else [(b, a) for a, b in pairs]


def mean_of(alike: Numbers, pairs: Sequence[tuple[int, int]]) -> float:
    """The mean over matched layers."""
    return float(np.mean([alike[pair] for pair in pairs]))


def _centred(matrix: Numbers) -> Numbers:
    centred: Numbers = matrix - matrix.mean(axis=1, keepdims=True)
    centred -= centred.mean(axis=0, keepdims=True)
    return centred


def _normal(rows: Numbers) -> Numbers:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Numbers = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return scaled


def _unbiased(rows: Numbers) -> Numbers:
    """The U-centred Gram matrix (Szekely, Rizzo 2014): its inner products are the unbiased HSIC, up to a factor."""
    gram = rows @ rows.T
    np.fill_diagonal(gram, 0.0)
    n = len(gram)
    sums = gram.sum(axis=1)
    gram += sums.sum() / ((n - 1) * (n - 2)) - (sums[:, None] + sums[None, :]) / (n - 2)
    np.fill_diagonal(gram, 0.0)
    return gram


def _product(one: Numbers, other: Numbers) -> float:
    return float(np.vdot(one, other))
