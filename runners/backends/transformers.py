"""Plain transformers, one prompt at a time: slow, simple, and the yardstick for the engines."""

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import numpy as np

from probes.answer import Answer
from probes.errors import CandidateError
from probes.manifest import Tier
from runners.backends.interface import Description, Logits, Request, utc_now
from runners.backends.local_model import check_local_model
from runners.backends.prompting import PromptEncoder
from runners.backends.token_bytes import spell_vocabulary, vocabulary_sha256
from runners.backends.top_tokens import likeliest


@dataclass
class Transformers:
    """Serves a local folder or hub id through `AutoModelForCausalLM`; `engine` goes to `from_pretrained`."""

    model: str
    system_prompt: str | None = None
    chat_template: str | None = None
    engine: dict[str, Any] = field(default_factory=dict)
    name: str = "transformers"

    def __enter__(self) -> Self:
        check_local_model(self.model)
        try:
            from transformers import AutoModelForCausalLM, AutoTokenizer
            from transformers.utils import logging
        except ImportError as error:
            raise CandidateError(
                f"transformers can't be imported ({error}); install kinprint[cpu] or kinprint[gpu]"
            ) from error
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(self.model)
            self._model = AutoModelForCausalLM.from_pretrained(self.model, **{"dtype": "auto", **self.engine}).eval()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise CandidateError(f"transformers could not load {self.model}: {error}") from error
        self._encoder = PromptEncoder(self._tokenizer, self.system_prompt, self.chat_template)
        self._token_bytes = spell_vocabulary(self._tokenizer, self._model.config.get_text_config().vocab_size)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._model
        gc.collect()

    def describe(self) -> Description:
        """The library, the tokenizer and the vocabulary as they are."""
        return Description(
            model=self.model,
            engine={
                "name": "transformers",
                "version": version("transformers"),
                "dtype": str(self._model.dtype).removeprefix("torch."),
                "device": str(self._model.device),
                "arguments": dict(self.engine),
            },
            tokenizer={"size": len(self._token_bytes), "sha256": vocabulary_sha256(self._token_bytes)},
            token_bytes=self._token_bytes,
            access={"vocabulary": True, "logprobs": True, "chat": True},
        )

    def ask(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        """Answer one after the other."""
        for request in requests:
            if request.canary.image is not None:
                why = "this backend shows no images; take backend=vllm_engine"
                yield Answer(request.canary.id, request.draw, "error", error=why, asked_at=utc_now()), None
            else:
                yield self._ask_one(request, tier, top_k)

    def _ask_one(self, request: Request, tier: Tier, top_k: int) -> tuple[Answer, Logits | None]:
        import torch

        prompt = torch.tensor([self._encoder.encode(request.canary)], device=self._model.device)
        sampling = {} if request.greedy else {"temperature": request.temperature, "top_p": request.top_p, "top_k": 0}
        asked_at, start = utc_now(), perf_counter()
        torch.manual_seed(request.seed)
        with torch.inference_mode():
            output = self._model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=request.canary.max_tokens,
                do_sample=not request.greedy,
                output_logits=True,
                return_dict_in_generate=True,
                pad_token_id=0,
                **sampling,
            )
        logits = output.logits[0][0].float().cpu().numpy()
        ids = tuple(output.sequences[0, prompt.shape[1] :].tolist())
        top_ids, top_logprobs = likeliest(logits, top_k) if tier == "topk" and request.greedy else (None, None)
        stopped = self._token_bytes[ids[-1]] == b""
        broken = not np.isfinite(logits).all()
        answer = Answer(
            canary_id=request.canary.id,
            draw=request.draw,
            status="error" if broken else "ok",
            error="the model's logits are not finite numbers" if broken else None,
            text=self._tokenizer.decode(ids, skip_special_tokens=True),
            token_ids=ids,
            token_bytes=tuple(self._token_bytes[number] for number in ids),
            topk_ids=top_ids,
            topk_bytes=None if top_ids is None else tuple(self._token_bytes[number] for number in top_ids),
            topk_logprobs=top_logprobs,
            prompt_tokens=prompt.shape[1],
            completion_tokens=len(ids),
            finish_reason="stop" if stopped else "length",
            latency_ms=(perf_counter() - start) * 1000,
            asked_at=asked_at,
        )
        return answer, logits if tier == "logits" and request.greedy else None
