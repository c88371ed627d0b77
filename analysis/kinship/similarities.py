"""Similarity of every candidate with every reference: as the channels define it, many models at a time.

Pair by pair over a thousand bins is slow; between hundreds of models it is products of matrices, one canary at a time.
What has no such form is compared pair by pair.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.channels import all_channels
from analysis.channels.greedy import share_of_shorter
from analysis.channels.interface import CONTINUED, Arrays
from analysis.channels.next_token import affinity_of_rest
from analysis.signatures.sampling_noise import mean_root
from analysis.signatures.signature import Signature

Tensor = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]


def similarities(
    candidates: Sequence[Signature],
    references: Sequence[Signature],
    channels: Sequence[str],
    step: Callable[[], object] = lambda: None,
    mirrored: bool = False,
) -> Tensor:
    """Of aligned signatures: [n_channels, n_candidates, n_references, n_canaries], NaN where one gave nothing.

    Written in place as it comes, so that nothing as large stands beside it. `step` is called once a channel.
    `mirrored`: both sides are the same models, and what is compared pair by pair is, once a pair.
    """
    shape = (len(candidates), len(references), len(candidates[0].canaries))
    tensor = np.full((len(channels), *shape), np.nan, np.float32)
    for found, name in zip(tensor, channels, strict=True):
        fill_in(found, candidates, references, name, _OF_A_CANARY.get(name), all_channels()[name].similarity, mirrored)
        step()
    return tensor


def fill_in(
    found: Tensor,
    candidates: Sequence[Signature],
    references: Sequence[Signature],
    name: str,
    of_a_canary: Callable[[Sequence[Arrays], Sequence[Arrays], int], Matrix] | None,
    of_a_pair: Callable[[Arrays, Arrays], Matrix],
    mirrored: bool = False,
) -> None:
    """Fill in [n_candidates, n_references, n_canaries] where both sides feed a channel.

    By what is said of all pairs on one canary, else, and where plain text was continued in a chat, pair by pair.
    """
    sides = [[one.channels.get(name) for one in side] for side in (candidates, references)]
    rows, columns = ([number for number, arrays in enumerate(side) if arrays is not None] for side in sides)
    ours, theirs = ([arrays for arrays in side if arrays is not None] for side in sides)
    if of_a_canary is None or any(CONTINUED in arrays for arrays in (*ours, *theirs)):
        _pair_by_pair(of_a_pair, (rows, ours), (columns, theirs), found, mirrored)
    elif ours and theirs:
        for canary in range(found.shape[-1]):
            found[..., canary][np.ix_(rows, columns)] = of_a_canary(ours, theirs, canary)


Placed = tuple[Sequence[int], Sequence[Arrays]]


def _pair_by_pair(
    of_a_pair: Callable[[Arrays, Arrays], Matrix],
    candidates: Placed,
    references: Placed,
    found: Tensor,
    mirrored: bool,
) -> None:
    for row, one in zip(*candidates, strict=True):
        for column, other in zip(*references, strict=True):
            if mirrored and column < row:
                found[row, column] = found[column, row]
            else:
                found[row, column] = of_a_pair(one, other)


def _next_token(candidates: Sequence[Arrays], references: Sequence[Arrays], canary: int) -> Matrix:
    p, q = (np.stack([arrays["bins"][canary] for arrays in side]) for side in (candidates, references))
    absent = np.logical_or.outer(np.isnan(p).any(axis=1), np.isnan(q).any(axis=1))
    p, q = np.nan_to_num(p), np.nan_to_num(q)
    used = np.flatnonzero((p > 0).any(axis=0) | (q > 0).any(axis=0))
    sides = [_side(side, canary) for side in (candidates, references)]
    affinity = _affinity(p[:, used].astype(float), q[:, used].astype(float), *sides)
    return np.where(absent, np.nan, affinity)


def _greedy(candidates: Sequence[Arrays], references: Sequence[Arrays], canary: int) -> Matrix:
    one, other = (np.stack([arrays["text"][canary] for arrays in side]) for side in (candidates, references))
    lengths = [np.array([arrays["length"][canary] for arrays in side]) for side in (candidates, references)]
    alike, equal = np.ones((len(one), len(other)), bool), np.zeros((len(one), len(other)))
    for ours, theirs in zip(one.T, other.T, strict=True):
        alike &= ours[:, None] == theirs
        equal += alike
    return share_of_shorter(equal, lengths[0][:, None], lengths[1])


def _wording(candidates: Sequence[Arrays], references: Sequence[Arrays], canary: int) -> Matrix:
    one, other = (
        np.stack([arrays["letters"][canary] for arrays in side]).astype(np.float32) for side in (candidates, references)
    )
    known = [np.array([arrays["known"][canary] for arrays in side]) for side in (candidates, references)]
    return np.where(np.logical_and.outer(*known), np.clip(one @ other.T, 0, 1).astype(np.float64), np.nan)


_OF_A_CANARY = {"next_token": _next_token, "greedy": _greedy, "wording": _wording}
"""What a channel gives for each pair on one canary: [n_candidates, n_references]."""


def _side(models: Sequence[Arrays], canary: int) -> tuple[Matrix, npt.NDArray[np.int64]]:
    return (
        np.array([arrays["missing"][canary] for arrays in models], dtype=np.float64),
        np.array([arrays["n_draws"][canary] for arrays in models], dtype=np.int64),
    )


def _affinity(p: Matrix, q: Matrix, one: tuple[Matrix, Any], other: tuple[Matrix, Any]) -> Matrix:
    """Of one canary, from bins [n, n_bins] and [m, n_bins]: [n, m]."""
    unmatched_p, unmatched_q = p @ (q == 0).T, (p == 0).astype(float) @ q.T
    rest = affinity_of_rest(one[0][:, None], unmatched_p, other[0][None, :], unmatched_q)
    expected = np.ones((len(p), len(q)))
    for draws, others in {(n, m) for n in set(one[1].tolist()) for m in set(other[1].tolist())} - {(0, 0)}:
        pairs = np.ix_(one[1] == draws, other[1] == others)
        expected[pairs] = _expected(p[one[1] == draws], q[other[1] == others], draws, others)
    affinity: Matrix = (np.sqrt(p) @ np.sqrt(q).T + rest) / np.clip(expected, 1e-3, None)
    return affinity


def _expected(p: Matrix, q: Matrix, draws: int, other: int) -> Matrix:
    """The affinity that sampling leaves where both sides are one model: [n, m]."""

    def root(truth: Matrix) -> Matrix:
        values: Matrix = mean_root(truth, draws) * mean_root(truth, other)
        return values

    if draws == 0 or other == 0:
        alone = root(q if other == 0 else p).sum(axis=1)
        return np.broadcast_to(alone[None, :] if other == 0 else alone[:, None], (len(p), len(q)))
    share, rest = draws / (draws + other), other / (draws + other)
    total = root(share * p).sum(axis=1)[:, None] + root(rest * q).sum(axis=1)
    for one in np.unique(p[p > 0]):  # few draws take few values, and only where both have some do they interact
        for two in np.unique(q[q > 0]):
            both = (p == one).astype(float) @ (q == two).T
            apart = root(np.array([share * one]))[0] + root(np.array([rest * two]))[0]
            total += both * (root(np.array([share * one + rest * two]))[0] - apart)
    return np.asarray(total)
