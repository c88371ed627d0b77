"""`kinprint bench capture`: what capturing costs over the model's own arithmetic, one process a model."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from probes.errors import KinprintError
from runners.bench.row import Row, Target
from runners.progress import say

MODELS = ("smollm2", "qwen2.5-coder")
TARGETS = (
    Target("full_last_ratio", "ratio", "<=", 1.15),
    Target("full_every_ratio", "ratio", "<=", 1.3),
    Target("topk_ratio", "ratio", "<=", 1.1),
    Target("surprisal_ratio", "ratio", "<=", 1.2),
    Target("capture_memory_mb", "MB", "<=", 400),
    Target("collect_overhead", "share", "<=", 0.10),
    Target("recording_mb", "MB", "<=", 80),
    Target("signature_seconds", "s", "<=", 2),
    Target("help_seconds", "s", "<=", 0.3),
)


def measure(models: Sequence[str]) -> list[Row]:
    """Every row of the table, NAME/MODEL; a measure that a model's process did not bring back has no value."""
    if unknown := [model for model in models if model not in MODELS]:
        raise KinprintError(f"capture is not measured on {unknown[0]!r}; known are {', '.join(MODELS)}")
    return [row for model in models or MODELS for row in _rows(model)]


def _rows(model: str) -> list[Row]:
    with TemporaryDirectory() as work:
        results = Path(work) / "results.json"
        command = [sys.executable, "-m", "runners.bench.capture_model", model, work, str(results)]
        status = subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode
        found: dict[str, float] = json.loads(results.read_bytes()) if results.is_file() else {}
    if status:
        say(f"measuring {model} ended early (exit status {status}): what is missing is in the table without a value")
    return [Row(f"{target.name}/{model}", found.get(target.name), target) for target in TARGETS]
