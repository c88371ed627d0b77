"""What the weights of two models say together, each measure beside the rate at which strangers reach it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.weights.comparison import Side, Value, compare
from analysis.weights.innocent_pairs import (
    PairsFile,
    Rate,
    descendant,
    independent,
    independent_of_one_shape,
)
from analysis.weights.measures import MEASURES
from analysis.weights.stored_model import StoredModel
from analysis.weights.summary import Facts, summarise

SCHEMA = 1


@dataclass(frozen=True)
class Reading:
    """A measure's value, and how many pairs reach it: independent ones, those of one shape, parents with descendants.

    A rate is None where the value is, or where no such pair was measured.
    """

    measure: str
    value: float | None
    detail: dict[str, float]
    why: str | None
    strangers: Rate | None
    strangers_of_one_shape: Rate | None
    descendants: Rate | None


@dataclass(frozen=True)
class WeightEvidence:
    """The evidence of one pair. `not_compared`: the tensors of either side that no measure looks at."""

    name_a: str
    name_b: str
    a: Facts
    b: Facts
    readings: tuple[Reading, ...]
    rates_made_by: str
    not_compared_a: tuple[str, ...] = ()
    not_compared_b: tuple[str, ...] = ()

    @property
    def same_shape(self) -> bool:
        """Whether every matrix can be compared number by number."""
        return same_shape(self.a, self.b)

    def reading(self, measure: str) -> Reading:
        """The reading of one measure."""
        return next(one for one in self.readings if one.measure == measure)

    def to_json(self) -> str:
        """Everything, as JSON text."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "WeightEvidence":
        """The inverse of `to_json`, from parsed JSON."""
        return cls(
            name_a=values["name_a"],
            name_b=values["name_b"],
            a=_facts(values["a"]),
            b=_facts(values["b"]),
            readings=tuple(_reading(one) for one in values["readings"]),
            rates_made_by=values["rates_made_by"],
            not_compared_a=tuple(values["not_compared_a"]),
            not_compared_b=tuple(values["not_compared_b"]),
        )


def compare_weights(a: str | Path, b: str | Path, pairs: PairsFile | None = None) -> WeightEvidence:
    """Compare the weights of two models: folders of transformers, safetensors or GGUF files.

    One or two tensors are in memory at a time. `pairs` gives the rates; by default those shipped with the package.
    Raises CandidateError on files that can't be read.

        >>> evidence = compare_weights("my-model", "their-model")            # doctest: +SKIP
        >>> evidence.reading("std_profile").strangers_of_one_shape.share     # doctest: +SKIP
    """
    known = PairsFile.load() if pairs is None else pairs
    models = [StoredModel(a), StoredModel(b)]
    one, other = (Side(model, summarise(model)) for model in models)
    values = compare(one, other)
    return WeightEvidence(
        name_a=models[0].path.resolve().name,
        name_b=models[1].path.resolve().name,
        a=one.summary.facts,
        b=other.summary.facts,
        readings=tuple(_read(measure.name, values[measure.name], known) for measure in MEASURES),
        rates_made_by=known.made_by,
        not_compared_a=tuple(models[0].not_compared),
        not_compared_b=tuple(models[1].not_compared),
    )


def same_shape(a: Facts, b: Facts) -> bool:
    """Whether two models have the same number of layers and the same matrices."""
    return a.shape == b.shape and a.layers == b.layers


def _read(measure: str, value: Value, pairs: PairsFile) -> Reading:
    counted = (independent, independent_of_one_shape, descendant)
    rates = [None if value.value is None else pairs.rate(measure, value.value, one) for one in counted]
    return Reading(measure, value.value, value.detail, value.why, *rates)


def _facts(values: dict[str, Any]) -> Facts:
    shape = tuple(None if one is None else tuple(one) for one in values["shape"])
    return Facts(**{**values, "shape": shape})


def _reading(values: dict[str, Any]) -> Reading:
    rates = ("strangers", "strangers_of_one_shape", "descendants")
    return Reading(**{**values, **{name: None if values[name] is None else Rate(**values[name]) for name in rates}})
