"""Mixture: whether the answers come from models of several families, switched from request to request.

Every canary is looked at by itself: a logistic regression over the library's pairs says what a row's similarities are
worth for "kin" against "strangers". A single model, however changed, explains its rows by one family and by rows that
are like nobody's; a switching endpoint needs two families. The evidence is what the second family adds to the best
explanation with one: the gain in log-likelihood, in nats, of a finite mixture over families and `unknown` (its weights
by expectation maximisation, Dempster, Laird and Rubin 1977), held against the gain of the library's own members.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from analysis.kinship.pairing import Pairing
from analysis.signatures.signature import Signature

LEAST_GAIN = 3.0
"""Nats: below odds of 20 to 1 for a second family, nothing is said."""
LEAST_SHARE = 0.05
"""Of the rows: a family below it is not named."""
_BEYOND_MEMBERS = 2.0  # times the most that any single model of the library gains
_MEMBERS = 48  # members that the gain is measured on, at most
_ROWS = 10_000  # rows of kin, and of strangers, that the regression is fitted to, about
_ROUNDS = 200

_Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mixture:
    """`gain` in nats of a second family, `needed` of it; `shares` of the rows by family, the rest being `unknown`."""

    gain: float
    needed: float
    shares: dict[str, float]

    @property
    def noticed(self) -> bool:
        """Whether more than one family has to be assumed."""
        return self.gain > self.needed and len(self.shares) > 1


def find_mixture(
    pairing: Pairing, fitted: Sequence[str], candidate: Signature, references: Sequence[Signature], of: Sequence[str]
) -> Mixture:
    """Compare what one family explains of a candidate's answers with what several do.

    `pairing` was fitted on members of the families `fitted`; `references`, of the families `of`, are what the candidate
    is compared with. Canaries that were not answered are left out. Nothing is gained where no family has two members to
    learn from.
    """
    if len(set(fitted)) == len(fitted):
        return Mixture(0.0, LEAST_GAIN, {})
    if "rows" not in pairing.derived_:
        pairing.derived_["rows"] = _RowKinship(pairing, np.array(fitted))
    names, worth = sorted(set(of)), pairing.derived_["rows"]
    rows = np.stack([pairing.similarities(candidate, reference) for reference in references])
    gain, weights = _gain(worth(rows, np.array(of), names))
    shares = {name: float(w) for name, w in zip(names, weights, strict=False) if w >= LEAST_SHARE}
    if gain <= LEAST_GAIN:
        return Mixture(gain, LEAST_GAIN, shares)
    return Mixture(gain, max(LEAST_GAIN, _BEYOND_MEMBERS * worth.most_gained), shares)


class _RowKinship:
    """What one row's similarities are worth, in nats for "kin" against "strangers", learned from a library's pairs."""

    def __init__(self, pairing: Pairing, families: npt.NDArray[np.str_]) -> None:
        self.similarity, self.background, self.families = pairing.similarity_, pairing.background_, families
        same = families[:, None] == families
        kin = self._some_rows(np.argwhere(same & ~np.eye(len(families), dtype=bool)))
        strangers = self._some_rows(np.argwhere(~same))
        labels = np.repeat([1, 0], [len(kin), len(strangers)])
        self.regression = LogisticRegression(class_weight="balanced").fit(np.concatenate([kin, strangers]), labels)

    def _some_rows(self, pairs: npt.NDArray[np.intp]) -> _Values:
        """Rows of pairs of members, evenly spaced over all there are: [at most about _ROWS, n_channels]."""
        rows = np.concatenate([self._excess(self.similarity[i][j]) for i, j in pairs.tolist()])
        return rows[:: max(1, len(rows) // _ROWS)]

    def __call__(self, similarity: _Values, families: npt.NDArray[np.str_], names: Sequence[str]) -> _Values:
        """Nats for each family [n_known_rows, n_families], from similarities [n_references, n_channels, n_rows].

        The candidate is kin to one of a family's references, each equally likely.
        """
        known = np.asarray(~np.isnan(similarity).all(axis=(0, 1)))
        if not known.any():
            return np.zeros((0, len(names)))
        rows = self._excess(similarity[..., known], known)
        nats = self.regression.decision_function(rows.reshape(-1, rows.shape[-1])).reshape(rows.shape[:-1])
        parts = [nats[families == name] for name in names]
        return np.stack([logsumexp(part, axis=0) - np.log(len(part)) for part in parts], axis=1)

    @cached_property
    def most_gained(self) -> float:
        """The largest gain of a member against the others: what a single model may gain."""
        gains = [0.0]
        for place in np.unique(np.linspace(0, len(self.families) - 1, _MEMBERS).astype(int)):
            others = np.arange(len(self.families)) != place
            families = self.families[others]
            rows = np.stack([self.similarity[place][other] for other in np.flatnonzero(others)])
            gains.append(_gain(self(rows, families, sorted(set(families))))[0])
        return max(gains)

    def _excess(self, similarity: _Values, rows: npt.NDArray[np.bool_] | slice = slice(None)) -> _Values:
        """Excess over the background as a share of what it could be, -1 to 1: [..., n_rows, n_channels], 0 if unknown.

        `similarity` [..., n_channels, n_rows] on these rows of all.
        """
        background = self.background[:, rows]
        excess: _Values = np.clip((similarity - background) / (1 - background), -1, 1)
        return np.swapaxes(np.nan_to_num(excess), -1, -2)


def _gain(nats: _Values) -> tuple[float, _Values]:
    """What several families explain beyond the best single one, in nats, and the weights [n_families + 1].

    `nats` [n_rows, n_families]; `unknown`, the last weight, is worth 0 in every row.
    """
    worth = np.column_stack([nats, np.zeros(len(nats))])
    if len(nats) == 0 or nats.shape[1] < 2:
        return 0.0, np.zeros(worth.shape[1])
    most, weights = _mixed(worth[None])
    single, _ = _mixed(np.stack([worth[:, [family, -1]] for family in range(nats.shape[1])]))
    return max(0.0, float(most[0] - single.max())), weights[0]


def _mixed(worth: _Values) -> tuple[_Values, _Values]:
    """The largest log-likelihood of mixtures [n_mixtures], and their weights [n_mixtures, n_components], by expectation
    maximisation; `worth` [n_mixtures, n_rows, n_components]."""
    highest = worth.max(axis=2, keepdims=True)
    likelihood = np.exp(worth - highest)
    weights = np.full((len(worth), 1, worth.shape[2]), 1 / worth.shape[2])
    for _ in range(_ROUNDS):
        # The share of component c in row r is likelihood * weight / total; its mean over the rows is a product.
        total = likelihood @ weights.transpose(0, 2, 1)
        weights = weights * ((1 / total).transpose(0, 2, 1) @ likelihood) / worth.shape[1]
    found = np.log(likelihood @ weights.transpose(0, 2, 1)).sum(axis=(1, 2)) + highest.sum(axis=(1, 2))
    return found, weights[:, 0]
