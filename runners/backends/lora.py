"""LoRA adapters on a base that vLLM serves: what room they take, and loading them."""

import json
from pathlib import Path
from typing import Any

from probes.errors import CandidateError
from runners.backends.quiet import quiet

_RANKS = (64, 128, 256, 320, 512)
"""Room for an adapter's rank that an engine is started with: of vLLM's own sizes those worth telling apart."""


def lora_arguments(adapter: str) -> dict[str, Any]:
    """The engine's arguments for an adapter: the same for most, so that these can share a start.

    Raises CandidateError unless it is the folder of a LoRA adapter in PEFT's format.
    """
    path = Path(adapter) / "adapter_config.json"
    if not path.is_file() or not (path.parent / "adapter_model.safetensors").is_file():
        raise CandidateError(
            f"{adapter} has no adapter_config.json and adapter_model.safetensors; give the folder of a LoRA adapter"
        )
    try:
        said = json.loads(path.read_text("utf-8"))
        rank = int(said["r"])
        rank = max([rank, *map(int, (said.get("rank_pattern") or {}).values())])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CandidateError(f"{path} does not say the adapter's rank ({error}); the adapter is damaged") from error
    room = next((most for most in _RANKS if rank <= most), None)
    if room is None:
        raise CandidateError(f"{adapter} has rank {rank}, and vLLM serves up to {_RANKS[-1]}; merge it into its base")
    return {"enable_lora": True, "max_loras": 1, "max_lora_rank": room}


class Adapters:
    """Those that one engine has met, by their numbers there."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def loaded(self, adapter: str, llm: Any) -> Any:
        """vLLM's request for an adapter, once it is loaded. Raises CandidateError if it does not fit the base."""
        from vllm.lora.request import LoRARequest

        lora_arguments(adapter)
        number = self._numbers.setdefault(str(Path(adapter).resolve()), len(self._numbers) + 1)
        request = LoRARequest(f"adapter-{number}", number, str(Path(adapter).resolve()))
        try:
            with quiet():
                llm.llm_engine.add_lora(request)
        except Exception as error:  # vLLM lets through whatever its loaders raise
            raise CandidateError(f"vLLM can't put {adapter} on this model: {' '.join(str(error).split())}") from error
        return request
