"""How often verdicts are right and wrong, as `kinprint bench lineage --rates FILE` measured and wrote it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from analysis.verdict import kinprint_version
from probes.errors import KinprintError
from probes.write_whole import write_whole

SCHEMA = 1
NAMES = ("family_accuracy", "unknown_rejected", "descendant_recall_at_alpha", "innocents_accused_at_alpha")
"""Rows of the benchmark that a report tells."""


@dataclass(frozen=True)
class Rate:
    """One share, with its 95% interval and the number of independent lineages, at a budget that was measured."""

    name: str
    tier: str
    budget: int
    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class MeasuredRates:
    """All rates there are; none where nothing was measured."""

    rates: tuple[Rate, ...] = ()

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Those of a file, or those shipped. Raises KinprintError if it holds something else."""
        source = files("analysis").joinpath("measured_rates.json") if path is None else path
        try:
            values = json.loads(source.read_text("utf-8"))
            if values["schema"] != SCHEMA:
                raise ValueError(f"its schema is {values['schema']!r}, and {SCHEMA} is known")
            return cls(tuple(Rate(**one) for one in values["rates"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KinprintError(
                f"{source} holds no measured rates ({error}); make it with 'kinprint bench lineage --rates FILE'"
            ) from error

    def at(self, name: str, tier: str, budget: int) -> Rate | None:
        """The rate at the largest budget that was measured and is not above this one; None where there is none."""
        found = [one for one in self.rates if (one.name, one.tier) == (name, tier) and one.budget <= budget]
        return max(found, key=lambda one: one.budget, default=None)


def save_rates(rows: Sequence[Mapping[str, Any]], command: str, path: Path) -> None:
    """Write the rates among rows of the benchmark named NAME/TIER/BUDGET; those without a value are left out.

    `command` is what measured them.
    """
    rates = []
    for row in rows:
        name, _, rest = str(row["name"]).partition("/")
        if name in NAMES and row["value"] is not None:
            tier, budget = rest.split("/")
            measured = {key: row[key] for key in ("value", "low", "high", "n")}
            rates.append({"name": name, "tier": tier, "budget": int(budget), **measured})
    values = {"schema": SCHEMA, "made_by": {"command": command, "kinprint": kinprint_version()}, "rates": rates}
    write_whole(path, json.dumps(values, indent=1) + "\n")
