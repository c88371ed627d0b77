"""The form of every benchmark's result: rows with a value, a target, and whether it holds."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from probes.write_whole import write_whole


@dataclass(frozen=True)
class Target:
    """What is asked of a measure: its name, its unit, and the value that it must not exceed, or must reach."""

    name: str
    unit: str
    op: Literal["<=", ">="]
    value: float


@dataclass(frozen=True)
class Row:
    """One measure. `value` is None where it could not be taken, and then it does not hold.

    `target` is None where none was set, and `unit` says what is measured. `interval` is the lowest and the highest that
    the value may be in truth, and the number of independent things it was measured on. `details` stand beside it.
    """

    name: str
    value: float | None
    target: Target | None
    unit: str = ""
    interval: tuple[float | None, float | None, int] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool | None:
        """Whether the value is one, and meets its target; None without a target."""
        if self.target is None:
            return None
        if self.value is None or not math.isfinite(self.value):
            return False
        return self.value <= self.target.value if self.target.op == "<=" else self.value >= self.target.value

    def as_json(self) -> dict[str, Any]:
        """The row as benchmarks keep it."""
        finite = self.value is not None and math.isfinite(self.value)
        target = self.target
        row = {
            "name": self.name,
            "value": self.value if finite else None,
            "unit": self.unit if target is None else target.unit,
            "target": None if target is None else {"op": target.op, "value": target.value},
            "holds": self.holds,
            **self.details,
        }
        return row if self.interval is None else row | dict(zip(("low", "high", "n"), self.interval, strict=True))


def table(rows: Sequence[Row]) -> str:
    """The rows for a terminal."""
    wide = max((len(row.name) for row in rows), default=0)
    lines = []
    for row in rows:
        value = "not taken" if row.value is None else f"{row.value:.4g}"
        said = {True: "holds", False: "MISSED", None: ""}[row.holds]
        unit = row.unit if row.target is None else row.target.unit
        target = "" if row.target is None else f"{row.target.op} {row.target.value:g}"
        lines.append(f" {row.name:<{wide}}  {value:>9}  {target:>8} {unit:<8}  {said}".rstrip())
    return "\n".join(lines)


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as JSON, whole or not at all."""
    write_whole(path, json.dumps([row.as_json() for row in rows], indent=1) + "\n")
