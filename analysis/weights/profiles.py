"""Curves over a model's depth, and how alike two of them run."""

import numpy as np
import numpy.typing as npt

from analysis.weights.roles import ATTENTION
from analysis.weights.summary import Summary

Curve = npt.NDArray[np.float64]
_LEAST_LAYERS = 3
"""Two points always lie on a line: fewer layers correlate by necessity."""


def profile_correlations(a: Summary, b: Summary) -> dict[str, float]:
    """By role, the correlation of the two models' standard deviations over their layers.

    The measure of the accusation against Pangu Pro MoE (Yoon et al. 2025, Intrinsic Fingerprint of LLMs,
    arXiv:2507.03014, by the "Honest AGI Community"): sigma_l = std(W_l) for each of the Q, K, V and O
    projections, normalised over the layers to mean 0 and spread 1, compared by Pearson's correlation; the shorter
    curve is interpolated linearly to the depth of the longer one. A role that either lacks is left out, and so is one
    whose curve is flat or has fewer than three layers.
    """
    found = {}
    for role, curve in a.profiles.items():
        if role in b.profiles and (value := correlation(curve, b.profiles[role])) is not None:
            found[role] = value
    return found


def std_profile(correlations: dict[str, float]) -> float | None:
    """The mean correlation over Q, K, V and O, which is that of the four normalised curves laid end to end."""
    values = [correlations[role] for role in ATTENTION if role in correlations]
    return float(np.mean(values)) if values else None


def correlation(first: Curve, second: Curve) -> float | None:
    """Pearson's correlation of two curves, stretched to the depth of the longer; None where a curve has no shape."""
    depth = max(len(first), len(second))
    if min(len(first), len(second)) < _LEAST_LAYERS:
        return None
    return pearson(stretched(first, depth), stretched(second, depth))


def stretched(curve: Curve, depth: int) -> Curve:
    """A curve [layers, ...] over another number of layers, by linear interpolation along its relative depth."""
    places = np.linspace(0, len(curve) - 1, depth)
    below = np.minimum(places.astype(np.intp), max(len(curve) - 2, 0))
    above = np.minimum(below + 1, len(curve) - 1)
    share = (places - below).reshape(-1, *[1] * (curve.ndim - 1))
    between: Curve = curve[below] * (1 - share) + curve[above] * share
    return between


def pearson(first: Curve, second: Curve) -> float | None:
    """Pearson's correlation of two arrays of one shape; None where one of them is constant."""
    x, y = (one.astype(np.float64).ravel() for one in (first, second))
    x, y = x - x.mean(), y - y.mean()
    norm = float(np.linalg.norm(x) * np.linalg.norm(y))
    flat = norm <= 1e-12 * max(float(np.abs(first).max() * np.abs(second).max()) * x.size, np.finfo(np.float64).tiny)
    return None if flat else float(np.clip(x @ y / norm, -1.0, 1.0))
