"""One run of a batch: a verb with its overrides, and a place that a hash of the configuration names."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probes.journal import LINES
from probes.recording import folder_name
from runners.batch.settings import ResourcesSettings

FOLDERS = {"collect": "recordings", "attribute": "verdicts", "report": "reports"}
"""Where the outputs of a verb lie in a batch."""
_NAME_LIMIT = 80


@dataclass(frozen=True)
class Run:
    """A verb, whose overrides (without `out`) make `out`. Runs with the same `start` can share one start of an engine.

    `recording` is what the run is about where that is a recording.
    """

    verb: str
    name: str
    overrides: tuple[str, ...]
    out: Path
    start: str
    resources: ResourcesSettings
    recording: str | None = None

    @property
    def key(self) -> str:
        """What no other run of the batch has."""
        return f"{self.verb}-{self.out.name}"

    @property
    def words(self) -> list[str]:
        """The words after the verb that do this run alone."""
        return [*self.overrides, f"out={self.out}"]

    @property
    def done(self) -> bool:
        """Whether its output is there, whole."""
        if self.verb == "collect":  # a recording that a budget ended keeps its journal, and is gone on with
            return (self.out / "manifest.json").is_file() and not (self.out / LINES).is_file()
        return (self.out / "verdict.json").is_file() if self.verb == "attribute" else self.out.is_file()


def output(batch: Path, verb: str, name: str, configuration: Mapping[str, Any]) -> Path:
    """Where a run goes: its name, and a hash of all that decides what comes out."""
    text = json.dumps(configuration, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    ending = ".html" if verb == "report" else ""
    return batch / FOLDERS[verb] / f"{folder_name(name)[:_NAME_LIMIT]}-{digest}{ending}"
