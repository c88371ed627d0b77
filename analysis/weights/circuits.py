"""The two circuits of a layer's attention, and what of them no permutation or rotation of the hidden space changes.

QK: which tokens look at which, W_Q^T W_K; OV: what is written where one is looked at, W_O W_V (Elhage et al. 2021, A
Mathematical Framework for Transformer Circuits). A rotation R of the hidden space makes W_Q, W_K and W_V into W R^T,
W_O into R W and an embedding e into R e, so it leaves alone the singular values of either circuit, and the circuits
between tokens, e_i^T W_Q^T W_K e_j: the invariant terms M_a and M_b of HuRef (Zeng et al. 2023), for which hidden
spaces need not even be equally large. Nor does it matter in which order heads, or the dimensions of one, stand.
Gains of the norm before are multiplied into W_Q, W_K and W_V first, where somebody who rotates has to put them, too.

With the embeddings as they are, few directions outweigh all others: how frequent a token is, whether training ever saw
it. Data puts these there, so strangers share them. Whitened embeddings, which a rotation turns alike, give each
direction the same weight.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.weights.roles import Key
from analysis.weights.stored_model import StoredModel

Numbers = npt.NDArray[np.floating]
QUANTILES = 32
"""How many quantiles of a layer's logarithms of singular values are kept."""
_MOST_DIMENSIONS = 2048
"""Of one head: the spectra of larger ones would take hours. The largest known have 576."""
_LEAST_DIRECTION = 1e-3
"""A direction of the embeddings counts from this share of the largest on: rounding has no others to be blown up."""
_LEAST = 1e-6
"""Singular values count as at least this share of the layer's largest: below it they are rounding."""


@dataclass(frozen=True)
class Attention:
    """A layer's projections by head, all with the hidden space last.

    `q`, `o`: [keys, queries a key, dimensions, hidden]; `k`, `v`: [keys, dimensions, hidden]. Gains are multiplied in.
    """

    q: Numbers
    k: Numbers
    v: Numbers
    o: Numbers


def attentions(model: StoredModel) -> Iterator[tuple[int, Attention]]:
    """Layer by layer (number, projections); layers whose shapes do not fit the heads are left out."""
    if model.architecture.heads is None:
        return
    for layer in model.layers:
        if (found := _attention(model, layer)) is not None:
            yield layer, found


def spectrum(first: Numbers, second: Numbers) -> npt.NDArray[np.float64]:
    """Quantiles of the logarithms of the singular values of first_h^T second_h, over all heads h.

    Both [heads, dimensions, hidden]. With G = A A^T and H = B B^T those of A^T B are those of sqrt(G) sqrt(H), which
    is as small as a head.
    """
    values = np.linalg.svd(_root(_gram(first)) @ _root(_gram(second)), compute_uv=False)
    least = max(float(values.max()) * _LEAST, float(np.finfo(np.float64).tiny))
    logs = np.log(np.maximum(values, least))
    quantiles: npt.NDArray[np.float64] = np.quantile(logs, (np.arange(QUANTILES) + 0.5) / QUANTILES)
    return quantiles


def qk_spectrum(attention: Attention) -> npt.NDArray[np.float64]:
    """Of the QK circuits of a layer [QUANTILES]."""
    return spectrum(*_paired(attention.q, attention.k))


def ov_spectrum(attention: Attention) -> npt.NDArray[np.float64]:
    """Of the OV circuits of a layer [QUANTILES]."""
    return spectrum(*_paired(attention.o, attention.v))


def whitened(embeddings: Numbers) -> Numbers:
    """Embeddings [tokens, hidden] with their mean taken out, and as much in each direction that they have as in any."""
    if not len(embeddings):
        return embeddings
    left, values, right = np.linalg.svd(embeddings - embeddings.mean(axis=0), full_matrices=False)
    kept = values > _LEAST_DIRECTION * values.max(initial=0.0)
    white: Numbers = left[:, kept] @ right[kept]
    return white


def qk_between(attention: Attention, embeddings: Numbers) -> Numbers:
    """How much every token looks at every other [tokens, tokens], over all heads; `embeddings` [tokens, hidden]."""
    return _between(embeddings, attention.q, attention.k)


def ov_between(attention: Attention, embeddings: Numbers) -> Numbers:
    """How much each (row) is written where another (column) is looked at [tokens, tokens], over all heads."""
    return _between(embeddings, attention.o, attention.v)


def _between(embeddings: Numbers, asking: Numbers, shared: Numbers) -> Numbers:
    hidden = embeddings.shape[1]
    left = embeddings @ asking.sum(axis=1).reshape(-1, hidden).T  # queries of one key add up before it is met
    right = embeddings @ shared.reshape(-1, hidden).T
    between: Numbers = left @ right.T
    return between


def _attention(model: StoredModel, layer: int) -> Attention | None:
    heads = model.architecture.heads
    if heads is None or not all(Key(role, layer) in model for role in "qkvo"):
        return None
    q, k, v, o = (model.read(Key(role, layer)) for role in "qkvo")
    hidden, rows, shared = q.shape[1], q.shape[0], k.shape[0]
    fits = rows % heads.queries == 0 and shared * heads.queries == rows * heads.keys
    fits = fits and rows // heads.queries <= _MOST_DIMENSIONS
    if not fits or v.shape != k.shape or k.shape[1] != hidden or o.shape != (hidden, rows):
        return None
    gains = np.ones(hidden, dtype=np.float32)
    if Key("attention_norm", layer) in model:
        stored = model.read(Key("attention_norm", layer))
        gains = stored + np.float32(model.architecture.norm_offset) if stored.shape == (hidden,) else gains
    grouped = (heads.keys, heads.queries // heads.keys, -1, hidden)
    single = (heads.keys, -1, hidden)
    return Attention(
        q=(q * gains).reshape(grouped),
        k=(k * gains).reshape(single),
        v=(v * gains).reshape(single),
        o=o.T.reshape(grouped),
    )


def _paired(asking: Numbers, shared: Numbers) -> tuple[Numbers, Numbers]:
    """Both as [heads, dimensions, hidden], a shared one repeated for each that uses it."""
    keys, each, dimensions, hidden = asking.shape
    repeated = np.broadcast_to(shared[:, None], asking.shape)
    return asking.reshape(keys * each, dimensions, hidden), repeated.reshape(keys * each, dimensions, hidden)


def _gram(heads: Numbers) -> npt.NDArray[np.float64]:
    exact = heads.astype(np.float64)
    return exact @ exact.swapaxes(1, 2)


def _root(grams: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    values, vectors = np.linalg.eigh(grams)
    root: npt.NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0))[:, None]) @ vectors.swapaxes(1, 2)
    return root
