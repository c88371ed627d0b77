"""The image of a model's output matrix: the space that all its logits lie in, whatever was asked.

A model's logits are W h with one matrix W [vocab_size, hidden_size], so however many rows of them are taken, they span
hidden_size dimensions (Finlayson et al. 2024, "Logits of API-protected LLMs leak proprietary information", section 3;
Carlini et al. 2024, "Stealing part of a production language model", section 4). The normalisation before W has no
offset in the models of today, and centring each row makes logits and log-probabilities alike.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.signatures.unfed import Unfed

MOST_ROWS = 1280
"""Rows looked at first; all of them where these turn out to be too few."""
_FIRST_STEP = 8  # before it lie the few directions that hold most of the logits: frequency, script, spaces
_CLEAR_STEP = 1.5  # within a spectrum neighbours differ by a fifth at most; at its end bfloat16 still leaves 2 to 13
_ROUNDING = 2.0**-8  # of a number, in bfloat16; no engine computes logits in less
_GRAM_FLOOR = 1e-7  # of the largest singular value: below it a Gram matrix in float64 shows nothing
_FILLED = 0.95  # a spectrum that goes on to the end of the matrix has no step that could be seen
_DISTINCT = 1e-2  # prompts that begin alike give the same rows, but for rounding


@dataclass(frozen=True)
class Image:
    """`basis` [n_directions, n_tokens]: orthonormal, the strongest first. `singular_values` [n_directions].

    `hidden_size` is their number where the whole image was seen. Else it is None, for the `reason` given, and the
    basis holds the strongest directions of the rows that there were.
    """

    basis: npt.NDArray[np.float32]
    singular_values: npt.NDArray[np.float64]
    hidden_size: int | None
    reason: str = ""


def centred(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Rows [n, n_tokens] without their means: what logits and log-probabilities have in common."""
    exact = logits.astype(np.float64)
    values: npt.NDArray[np.float64] = exact - exact.mean(axis=1, keepdims=True)
    return values


def image_of(logits: npt.NDArray[np.floating], step: float = 0.0) -> Image | Unfed:
    """The image that rows of logits [n_rows, n_tokens] lie in; `step` is how coarsely they were kept."""
    some = logits[np.linspace(0, len(logits) - 1, min(MOST_ROWS, len(logits))).astype(np.intp)]
    found = _image_of_all(some, step)
    if isinstance(found, Image) and found.hidden_size is None and len(some) < len(logits):
        found = _image_of_all(logits, step)
    return found


def _image_of_all(logits: npt.NDArray[np.floating], step: float) -> Image | Unfed:
    finite = np.isfinite(logits).all(axis=0)
    if not finite.any():
        return Unfed("its logits are not numbers")
    rows = _distinct(centred(logits[:, finite]))
    if min(rows.shape) < 2 * _FIRST_STEP:
        return Unfed(f"it has {rows.shape[0]} different rows of {rows.shape[1]} logits, too few for an image")
    values, vectors = spectrum(rows)
    rounding = _ROUNDING * float(np.sqrt(np.mean(logits[:, finite].astype(np.float64) ** 2)))
    rounding = max(rounding, step / 2)
    size = hidden_size(values, rows.shape, rounding)
    kept = size if size is not None else min(len(rows), rows.shape[1] // 8)
    if kept < _FIRST_STEP:
        return Unfed(f"it has the logits of {rows.shape[1]} tokens, too few for an image")
    basis = np.zeros((kept, logits.shape[1]), np.float32)
    basis[:, finite] = vectors[:, :kept].T @ rows / values[:kept, None]
    reason = "" if size is not None else _why_not(rows.shape)
    return Image(basis, values[:kept], size, reason)


def hidden_size(
    singular_values: npt.NDArray[np.float64], shape: tuple[int, ...], rounding: float = np.inf
) -> int | None:
    """The number of dimensions that centred rows of logits span: where their spectrum falls to rounding.

    `singular_values` in descending order, of a matrix of that shape [n_rows, n_tokens] whose entries are rounded by
    `rounding` at most. The widest step between neighbours is taken, of those that end at what rounding alone could
    leave. None where there is no clear one, as when the rows are no more than the dimensions.
    """
    most = int(_FILLED * min(shape[0], shape[1] - 1))
    if most <= _FIRST_STEP:
        return None
    values = np.maximum(singular_values[: most + 1], _GRAM_FLOOR * singular_values[0])
    noise = rounding * (np.sqrt(shape[0]) + np.sqrt(shape[1]))  # the largest singular value of such noise
    steps = np.where(values[1:] <= noise, values[:-1] / values[1:], 0.0)
    best = _FIRST_STEP + int(np.argmax(steps[_FIRST_STEP - 1 :]))
    return best if steps[best - 1] >= _CLEAR_STEP else None


def spectrum(rows: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Singular values [n] and left singular vectors [n, n] of rows [n, n_tokens], through their Gram matrix."""
    squares, vectors = np.linalg.eigh(rows @ rows.T)
    return np.sqrt(np.clip(squares[::-1], 0, None)), vectors[:, ::-1]


def _distinct(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rows [n, n_tokens] without those that repeat another: a repeated row would look like the end of the image."""
    size = np.linalg.norm(rows, axis=1)
    scale = float(np.median(size)) or 1.0
    shadow = rows @ np.random.default_rng(0).normal(size=rows.shape[1]) / scale
    order = np.argsort(shadow, kind="stable")
    # rows that are close cast shadows that are close, the other way round only by chance
    gaps = np.linalg.norm(rows[order[1:]] - rows[order[:-1]], axis=1)
    keep = np.concatenate([[True], gaps > _DISTINCT * scale])
    kept: npt.NDArray[np.float64] = rows[np.sort(order[keep & (size[order] > 0)])]
    return kept


def _why_not(shape: tuple[int, ...]) -> str:
    return (
        f"{shape[0]} different rows of {shape[1]} logits show no end of the image: the hidden size is not below "
        f"{int(_FILLED * min(shape[0], shape[1] - 1))}, or rounding hides it"
    )


def cosines(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Cosines of the principal angles between the row spaces of two matrices [n, n_tokens], the closest first."""
    sides = [np.linalg.qr(side.astype(np.float64).T)[0] for side in (one, other)]
    found: npt.NDArray[np.float64] = np.clip(np.linalg.svd(sides[0].T @ sides[1], compute_uv=False), 0, 1)
    return found
