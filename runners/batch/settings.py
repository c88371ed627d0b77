"""The typed settings of batches: what is run, where, and what a candidate needs of a machine."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ResourcesSettings:
    """What serving one candidate takes of a cluster; what is null is as the launcher says.

    `gpus` and `cpus` are those of one node, `memory_gb` (10^9 bytes) too, `hours` the longest that it may take.
    """

    nodes: int = 1
    gpus: int | None = None
    cpus: int | None = None
    memory_gb: float | None = None
    hours: float | None = None


@dataclass
class LauncherSettings:
    """Where the runs of a batch go. `kind`: `sequential`, `joblib` or `slurm`.

    `n_jobs`: processes of joblib. All else is Slurm's: `gpus` (of a node) null for as many as the engine's settings
    need, `at_once` how many jobs of an array run at a time, `setup` lines of shell before each, `sbatch` any other of
    its options, `poll_seconds` how often it is asked what is left. `share`: how many runs may share one start.
    """

    kind: str
    share: int = 16
    n_jobs: int = 2
    partition: str | None = None
    account: str | None = None
    gpus: int | None = None
    cpus: int = 8
    memory_gb: float | None = None
    hours: float = 1.0
    at_once: int = 64
    setup: list[str] = field(default_factory=list)
    sbatch: dict[str, Any] = field(default_factory=dict)
    poll_seconds: float = 15.0


@dataclass
class MultirunSettings:
    """`kinprint VERB -m`: a run for each candidate or recording, and for each value of what else is swept.

    `candidates` is a CSV or JSONL file, or a folder of YAML files (`collect`); `recordings` a folder of recordings (the
    others; null: those that the batch holds). Everything goes into the folder `batch`.
    """

    candidates: str | None
    recordings: str | None
    batch: str
    launcher: LauncherSettings
