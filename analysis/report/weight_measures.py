"""What a comparison of weight files found, as a report shows it: `weights.json`, read tolerantly."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from analysis.weights.measures import BY_NAME
from probes.errors import KinprintError

_FEWEST_PAIRS = 20
"""Independent pairs under which a false-positive share is not worth stating."""
_RARE = 0.05


@dataclass(frozen=True)
class WeightMeasure:
    """One figure, and how many of the pairs known to be independent (or descendants) reach as much; None if unknown.

    `decides`: whether anything may rest on it, which is chosen for a reason and not by its rates.
    """

    name: str
    value: float | None
    unit: str = ""
    independent_reaching: int | None = None
    independent_pairs: int | None = None
    upper_bound: float | None = None
    descendants_reaching: int | None = None
    descendant_pairs: int | None = None
    source: str = ""
    decides: bool = True

    @property
    def reading(self) -> str:
        """What it says of shared weights: `speaks`, or why it doesn't tell."""
        k, n = self.independent_reaching, self.independent_pairs
        if self.value is None or k is None or not n:
            return "unmeasured"
        if n < _FEWEST_PAIRS:
            return "too_few"
        if k / n > _RARE:
            return "tells_nothing"
        if not self.decides:
            return "not_deciding"
        all_reach = self.descendant_pairs and self.descendants_reaching == self.descendant_pairs
        return "between" if all_reach else "speaks"


@dataclass(frozen=True)
class WeightMeasures:
    """The measures on the weights of `a` and `b`, and a sentence about them."""

    a: str
    b: str
    measures: tuple[WeightMeasure, ...]
    in_words: str = ""

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read `weights.json`; unknown fields are passed over. Raises KinprintError if it is no such file."""
        try:
            values = json.loads(Path(path).read_text("utf-8"))
            if "readings" in values:  # as `kinprint weights` writes it
                source = str(values.get("rates_made_by") or "")
                values |= {"a": values["name_a"], "b": values["name_b"]}
                values["measures"] = [_of_reading(one, source) for one in values["readings"]]
            measures = tuple(_measure(one) for one in values["measures"])
            return cls(str(values["a"]), str(values["b"]), measures, str(values.get("in_words") or ""))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise KinprintError(
                f"{path} is no file of weight-based evidence ({error!r}); see 'kinprint weights'"
            ) from error


def _measure(values: Mapping[str, Any]) -> WeightMeasure:
    counts = ("independent_reaching", "independent_pairs", "descendants_reaching", "descendant_pairs")
    return WeightMeasure(
        name=str(values["name"]),
        value=_finite(values.get("value")),
        unit=str(values.get("unit") or ""),
        upper_bound=_finite(values.get("upper_bound")),
        source=str(values.get("source") or ""),
        decides=bool(values.get("decides", True)),
        **{key: int(values[key]) for key in counts if values.get(key) is not None},
    )


def _of_reading(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """A reading of `kinprint weights` as a measure, with the rate among strangers that speaks loudest against it."""
    rates = [rate for key in ("strangers", "strangers_of_one_shape") if (rate := values.get(key)) is not None]
    against: Mapping[str, Any] = max(rates, key=lambda rate: float(rate["upper"]), default={})
    kin = values.get("descendants") or {}
    measure = BY_NAME.get(values["measure"])
    return {
        "name": values["measure"],
        "value": values["value"],
        "independent_reaching": against.get("reached"),
        "independent_pairs": against.get("pairs"),
        "upper_bound": against.get("upper"),
        "descendants_reaching": kin.get("reached"),
        "descendant_pairs": kin.get("pairs"),
        "source": source,
        "decides": measure is not None and measure.decides,
    }


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(float(value)) else float(value)
