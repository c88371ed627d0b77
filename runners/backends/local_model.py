"""What a `candidate.model` may be: a folder with a model, or a hub id. Checked before a heavy engine is imported."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from probes.errors import CandidateError

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def check_local_model(model: str) -> None:
    """Raise CandidateError unless `model` is a hub id or a folder whose weights can be opened."""
    folder = Path(model)
    if not folder.exists():
        if _HUB_ID.fullmatch(model) and not model.startswith((".", "/", "~")):
            return
        raise CandidateError(f"there is no model at {model}; give a folder with config.json and weights, or a hub id")
    if not (folder / "config.json").is_file():
        raise CandidateError(f"{model} has no config.json; give the folder of a model in Hugging Face format")
    try:
        json.loads((folder / "config.json").read_text("utf-8"))
    except ValueError as error:
        raise CandidateError(f"{folder / 'config.json'} is not JSON ({error}); the model is damaged") from error
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise CandidateError(f"{model} has no *.safetensors; convert its weights first (pickled weights are not read)")
    for path in weights:
        _check_weights(path)


def engine_defaults(model: str) -> dict[str, Any]:
    """What vLLM has to be told of a model in a folder, to serve it as it is installed here.

    Its own classes for models that see import torchvision, whose published builds are for CUDA and break the CPU's
    torch. Where it is not installed, the classes of transformers serve such models, inside vLLM.
    """
    if find_spec("torchvision") is not None:
        return {}
    try:
        config = json.loads((Path(model) / "config.json").read_text("utf-8"))
    except (ValueError, OSError):  # a hub id, or what check_local_model has a sentence for
        return {}
    return {"model_impl": "transformers"} if "vision_config" in config else {}


def served_name(model: str) -> str:
    """What a model is called: the last part of its path, or its hub id."""
    path = Path(model)
    return path.resolve().name if path.exists() else model


def _check_weights(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            file.keys()
    except (SafetensorError, OSError) as error:
        raise CandidateError(f"{path} can't be read as safetensors ({error}); fetch the weights again") from error
