"""What two computations of a verdict may differ by, and what not."""

from typing import Any

import pytest

from analysis.bundle.comparison import differences

OWN = {
    "version": "1",
    "family": "ash",
    "posterior": {"ash": 0.98512345, "unknown": 1.4e-9},
    "queries": 48,
    "noise_floor": 0.0312,
    "evidence": {"decibans": [19.5, -3.0]},
    "reason": "ash comes out likeliest with 0.985, of 48 canaries",
    "family_set": None,
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**OWN, **changes}


@pytest.mark.parametrize(
    "claimed",
    [
        OWN,
        changed(version="2"),
        changed(posterior={"ash": 0.98513, "unknown": 1.5e-9}),
        changed(noise_floor=0.0313),  # kept with four places, and may be cut off at another
        changed(evidence={"decibans": [19.6, -3.0]}),
        changed(reason="ash comes out likeliest with 0.984, of 48 canaries"),
    ],
)
def test_arithmetic_may_differ(claimed: dict[str, Any]) -> None:
    assert list(differences(OWN, claimed)) == []


@pytest.mark.parametrize(
    ("claimed", "where"),
    [
        (changed(family="birch"), "family"),
        (changed(posterior={"ash": 0.987, "unknown": 1.4e-9}), "posterior.ash"),
        (changed(posterior={"ash": 1, "unknown": 1.4e-9}), "posterior.ash"),
        (changed(posterior={"ash": True, "unknown": 1.4e-9}), "posterior.ash"),
        (changed(posterior={"ash": float("nan"), "unknown": 1.4e-9}), "posterior.ash"),
        (changed(posterior={"ash": 0.98512345}), "posterior.unknown"),
        (changed(queries=48.0), "queries"),
        (changed(queries=49), "queries"),
        (changed(noise_floor=None), "noise_floor"),
        (changed(noise_floor=0.0315), "noise_floor"),
        (changed(evidence={"decibans": [19.8, -3.0]}), "evidence.decibans.0"),
        (changed(evidence={"decibans": [19.5]}), "evidence.decibans"),
        (changed(reason="ash comes out likeliest with 0.995, of 48 canaries"), "reason"),
        (changed(reason="ash comes out likeliest with 0.985, of 49 canaries"), "reason"),
        (changed(reason="birch comes out likeliest with 0.985, of 48 canaries"), "reason"),
        (changed(more="innocent"), "more"),
        (changed(family_set={}), "family_set"),
    ],
)
def test_nothing_else_may(claimed: dict[str, Any], where: str) -> None:
    assert list(differences(OWN, claimed)) == [where]
