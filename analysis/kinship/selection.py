"""The choice of canaries: those that tell kin from strangers best, together."""

import numpy as np
import numpy.typing as npt


def choose_canaries(
    terms: npt.NDArray[np.float32], kin: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64], size: int
) -> npt.NDArray[np.intp]:
    """Greedily choose `size` canaries, best first, by Fisher's criterion of their summed terms.

    `terms` [n_pairs, n_canaries] (0 where unknown), `kin` [n_pairs] whether a pair is of one family, `weight`
    [n_pairs]. The criterion is the squared difference of the means of kin and strangers over the sum of their
    variances (Fisher 1936): what the next canary adds counts against how far it repeats the ones chosen before.
    """
    groups = [_standardised(terms[which], weight[which]) for which in (kin, ~kin)]
    difference = groups[0][1] - groups[1][1]
    variance = sum(group[0].var(axis=0) for group in groups)
    variance = variance + variance.mean()  # a canary whose spread happens to look small is not trusted
    sums = [np.zeros(len(group[0]), np.float32) for group in groups]
    chosen: list[int] = []
    gap, spread = 0.0, 0.0
    left = np.ones(terms.shape[1], dtype=bool)
    for _ in range(min(size, terms.shape[1])):
        shared = sum(total @ group[0] / len(total) for total, group in zip(sums, groups, strict=True))
        criterion = np.maximum(gap + difference, 0) ** 2 / np.maximum(spread + 2 * shared + variance, 1e-12)
        best = int(np.argmax(np.where(left, criterion, -np.inf)))
        gap, spread = gap + float(difference[best]), spread + float(2 * np.asarray(shared)[best] + variance[best])
        for total, group in zip(sums, groups, strict=True):
            total += group[0][:, best]
        left[best] = False
        chosen.append(best)
    return np.array(chosen, dtype=np.intp)


def _standardised(
    terms: npt.NDArray[np.float32], weight: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Terms with their weighted mean taken out, each pair scaled by the root of its weight; and that mean."""
    share = (weight / weight.sum()).astype(np.float32)
    mean = share @ terms
    standardised = terms - mean
    standardised *= np.sqrt(share * len(share))[:, None]
    return standardised, mean
