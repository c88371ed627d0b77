"""Which run a folder belongs to: what a resumed run, or a finished recording, must have in common with this one."""

from pathlib import Path
from typing import Any

from probes.errors import RecordingError
from probes.journal import LINES, POSITION_ROWS, ROWS
from probes.recording import Recording, load_recording
from probes.suite import Suite
from runners.api import custody
from runners.backends.interface import Backend
from runners.sampling import Sampling

UNFINISHED = (LINES, ROWS, POSITION_ROWS, custody.LINES)
"""Files that only an unfinished recording has."""


def header_of(backend: Backend, suite: Suite, sampling: Sampling, candidate: str, model: str | None) -> dict[str, Any]:
    """What makes two runs the same: only then does one go on where the other stopped."""
    served = str(getattr(backend, "model", "")) if model is None else model
    return {
        "candidate": candidate,
        "backend": backend.name,
        "model": str(Path(served).resolve()) if Path(served).exists() else served,
        "suite_sha256": suite.sha256,
        "tier": sampling.tier,
        "sampling": {
            "seed": sampling.seed,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k if sampling.tier == "topk" else None,
            "logits_dtype": sampling.logits_dtype if sampling.tier == "logits" or sampling.chooses else None,
            **_positions(sampling),
            **({"draws": sampling.samples} if sampling.samples != (sampling.tier == "text") else {}),
            **({"seeds": "by candidate"} if sampling.samples else {}),
            **({} if sampling.greedy else {"greedy": False}),
            "system_prompt": getattr(backend, "system_prompt", None),
            "chat_template": getattr(backend, "chat_template", None),
            "engine": dict(getattr(backend, "engine", {})),
            **({"adapter": str(Path(adapter).resolve())} if (adapter := getattr(backend, "adapter", None)) else {}),
            **({"endpoint": identity} if (identity := getattr(backend, "identity", None)) else {}),
            **({"disguise": disguise} if (disguise := getattr(backend, "disguise", None)) else {}),
        },
    }


def _positions(sampling: Sampling) -> dict[str, Any]:
    """What is kept of positions, where anything is: a run that keeps nothing is the same as ever."""
    if sampling.positions == "last":
        return {}
    chosen: dict[str, Any] = {"position_tokens": sampling.position_tokens} if sampling.chooses else {}
    if sampling.chosen_tokens:
        chosen = {"chosen_tokens": list(sampling.chosen_tokens)}
    if sampling.positions == "chosen":
        chosen["position_prompts"] = sampling.position_prompts
    return {"positions": sampling.positions, **chosen}


def finished_recording(folder: Path, header: dict[str, Any]) -> Recording | None:
    """The recording in a folder, if it is finished. Raises RecordingError if the folder holds anything else."""
    if (folder / "manifest.json").is_file():
        recording = load_recording(folder)
        manifest = recording.manifest
        same = {
            "candidate": manifest.candidate,
            "backend": manifest.backend,
            "model": manifest.model,
            "suite_sha256": manifest.suite.get("chosen_from", manifest.suite["sha256"]),
            "tier": manifest.access.get("asked_tier", manifest.tier),
            "sampling": manifest.sampling,
        }
        if same != header:
            changed = ", ".join(key for key, value in header.items() if same[key] != value)
            raise RecordingError(f"{folder} holds another recording ({changed} differ); choose another 'out'")
        if (folder / LINES).is_file() and any(answer.unasked for answer in recording.answers):
            (folder / "manifest.json").unlink()  # a budget ended it, and this run may have a larger one
            return None
        for name in UNFINISHED:  # of a run that was killed at its very end
            (folder / name).unlink(missing_ok=True)
        return recording
    if folder.exists() and not (folder.is_dir() and _can_go_on(folder)):
        raise RecordingError(f"{folder} holds something that is not a recording; choose another 'out'")
    return None


def _can_go_on(folder: Path) -> bool:
    """Whether a run may begin or go on here. One killed in its first moment leaves only some of its files."""
    names = {path.name for path in folder.iterdir()}
    return LINES in names or names <= set(UNFINISHED)
