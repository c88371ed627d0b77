"""A batch of canaries on its way through vLLM: prompts in tokens, chats with images, and what can't be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from probes.answer import TAKES_NO_IMAGES, Status
from probes.canary import Canary
from runners.backends.prompting import PromptEncoder
from runners.images import chat_turns


@dataclass
class Batch:
    """By row: `prompts` in tokens, `chats` with images, and what is `unasked`, with its status and why."""

    prompts: dict[int, list[int]] = field(default_factory=dict)
    chats: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    unasked: dict[int, tuple[Status, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, canaries: Sequence[Canary], encoder: PromptEncoder, longest: int, no_images: str) -> Self:
        """Sort canaries for a model of `longest` tokens; `no_images` says why it takes none, or is empty."""
        batch = cls()
        for row, canary in enumerate(canaries):
            if canary.image is not None and no_images:
                batch.unasked[row] = TAKES_NO_IMAGES, no_images
            elif canary.image is not None:
                batch.chats[row] = chat_turns(encoder.turns(canary), canary)
            elif len(ids := encoder.encode(canary)) + canary.max_tokens <= longest:
                batch.prompts[row] = ids
            else:
                batch.unasked[row] = "error", f"the prompt has {len(ids)} tokens, the model takes {longest}"
        return batch

    def outputs(self, llm: Any, parameters: Sequence[Any], template: str, lora: Any = None) -> dict[int, Any]:
        """What vLLM returns, by row; `parameters` are of every row. Where it refuses images, they stay unasked.

        `lora` is the request for the adapter that everything goes through, None for the model as it is.
        """
        from vllm import TokensPrompt

        given = [TokensPrompt(prompt_token_ids=ids) for ids in self.prompts.values()]
        how = {"use_tqdm": False, "lora_request": lora}
        said = llm.generate(given, _of(parameters, self.prompts), **how) if given else []
        outputs: dict[int, Any] = dict(zip(self.prompts, said, strict=True))
        if not self.chats:
            return outputs
        try:  # as a chat, since vLLM knows where each model wants its images, and how many tokens one becomes
            said = llm.chat([*self.chats.values()], _of(parameters, self.chats), chat_template=template, **how)
        except ValueError as error:  # an image of a size that the model does not take, or a prompt too long with it
            words = " ".join(str(error).split())[:200]
            self.unasked |= dict.fromkeys(self.chats, ("error", f"vLLM could not show the model its images: {words}"))
            return outputs
        return outputs | dict(zip(self.chats, said, strict=True))


def takes_no_images(model_config: Any) -> str:
    """Why a model takes no images, as vLLM's configuration of it has it; empty if it does."""
    from vllm.multimodal import MULTIMODAL_REGISTRY

    architecture = ", ".join(model_config.architectures)
    if not model_config.is_multimodal_model:
        return f"its architecture, {architecture}, reads text alone"
    if not MULTIMODAL_REGISTRY.get_processing_info(model_config).allowed_mm_limits.get("image"):
        return f"its architecture, {architecture}, is not served with images"
    return ""


def _of(parameters: Sequence[Any], rows: Mapping[int, Any]) -> list[Any]:
    return [parameters[row] for row in rows]
