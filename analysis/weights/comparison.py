"""All measures of one pair of models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.weights.invariants import (
    LEAST_SHARED,
    Numbers,
    Shared,
    alignment,
    by_depth,
    circuit_correlations,
    match_layers,
    mean_of,
    shared_tokens,
    spectra_correlation,
    usable_circuits,
)
from analysis.weights.matching import Matched, matched_matrices
from analysis.weights.profiles import profile_correlations, std_profile
from analysis.weights.stored_model import StoredModel
from analysis.weights.summary import Summary


@dataclass(frozen=True)
class Value:
    """What a measure came to; `detail` what it is made of. `value` is None where it can't be taken: `why` says so."""

    value: float | None
    detail: dict[str, float]
    why: str | None = None


@dataclass(frozen=True)
class Side:
    """A model with its summary."""

    model: StoredModel
    summary: Summary


def compare(a: Side, b: Side) -> dict[str, Value]:
    """Every measure by name. Reads matrices again where they can be compared number by number."""
    shared = shared_tokens(a.summary, b.summary)
    layers, found = _circuits(a.summary, b.summary, shared)
    found |= _profiles(a.summary, b.summary) | _spectra(a.summary, b.summary)
    found["embedding_alignment"] = _embeddings(a.summary, b.summary, shared)
    found["cosine"] = _cosine(
        list(matched_matrices(a.model, b.model, layers)), _same_tokens(a.summary, b.summary, shared)
    )
    return found


def _profiles(a: Summary, b: Summary) -> dict[str, Value]:
    by_role = profile_correlations(a, b)
    value = std_profile(by_role)
    return {"std_profile": Value(value, by_role, None if value is not None else "fewer than three layers")}


def _spectra(a: Summary, b: Summary) -> dict[str, Value]:
    found = {}
    for name in ("qk_spectra", "ov_spectra"):
        value = spectra_correlation(getattr(a, name), getattr(b, name))
        found[name] = Value(value, {}, None if value is not None else "fewer than three layers whose heads are known")
    return found


def _circuits(a: Summary, b: Summary, shared: Shared) -> tuple[Sequence[tuple[int, int]], dict[str, Value]]:
    """The layers that belong together, and what their circuits say. Layers are matched by both circuits at once."""
    depths = a.facts.layers, b.facts.layers
    usable = usable_circuits(a, b, shared)
    if usable is None:
        why = f"fewer than {LEAST_SHARED} shared tokens were kept, or heads or tokens are not known"
        return by_depth(*depths), {name: Value(None, {}, why) for name in ("qk_circuits", "ov_circuits", "huref_terms")}
    alike: dict[str, Numbers] = {
        name: circuit_correlations(a.circuits[name], b.circuits[name], usable) for name in a.circuits
    }
    pairs = match_layers(alike["qk"] + alike["ov"])
    means = {name: mean_of(values, pairs) for name, values in alike.items()}
    detail = {"tokens": float(len(usable)), "layers": float(len(pairs))}
    found = {
        "qk_circuits": Value(means["qk"], detail),
        "ov_circuits": Value(means["ov"], detail),
        "huref_terms": Value((means["M_a"] + means["M_b"]) / 2, {name: means[name] for name in ("M_a", "M_b")}),
    }
    return pairs if alike["qk"].shape == depths else by_depth(*depths), found


def _embeddings(a: Summary, b: Summary, shared: Shared) -> Value:
    if len(shared) < LEAST_SHARED:
        return Value(None, {}, f"fewer than {LEAST_SHARED} shared tokens were kept, or tokens are not known")
    value, null = alignment(a.embeddings[shared.a], b.embeddings[shared.b])
    return Value(value, {"tokens": float(len(shared)), "random pairing, 99%": null})


def _same_tokens(a: Summary, b: Summary, shared: Shared) -> dict[str, float]:
    """The mean cosine of the same token's two embeddings, where they have equally many dimensions."""
    if not len(shared) or a.embeddings.shape[1] != b.embeddings.shape[1]:
        return {}
    one, other = a.embeddings[shared.a].astype(np.float64), b.embeddings[shared.b].astype(np.float64)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines = np.divide((one * other).sum(axis=1), norms, out=np.zeros_like(norms), where=norms > 0)
    return {"embedding": float(cosines.mean())}


def _cosine(matched: Sequence[Matched], embeddings: dict[str, float]) -> Value:
    if not matched:
        return Value(None, embeddings, "no matrices of the same role and shape")
    by_role: dict[str, list[float]] = {}
    for one in matched:
        by_role.setdefault(one.a.role, []).append(one.cosine)
    detail = {
        **{role: float(np.mean(cosines)) for role, cosines in by_role.items()},
        **embeddings,
        "distance": float(np.mean([one.distance for one in matched])),
        "matrices": float(len(matched)),
        "spread if independent": float(np.sqrt(sum(1 / one.size for one in matched)) / len(matched)),
    }
    return Value(float(np.mean([one.cosine for one in matched])), detail)
