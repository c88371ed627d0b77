"""vLLM's own HTTP server, started for one run and asked as any OpenAI-compatible endpoint is."""

import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from probes.answer import Answer
from probes.errors import CandidateError
from probes.manifest import Tier
from runners.api.chosen_tokens import MOST_BY_ID
from runners.backends.captured import FOLDER
from runners.backends.interface import Description, Logits, Positions, Request, Terms
from runners.backends.local_model import check_local_model, engine_defaults, served_name
from runners.backends.openai_api import OpenaiApi
from runners.backends.token_bytes import tokenizer_bytes, vocabulary_sha256
from runners.backends.vllm_engine import vllm_version
from runners.budget import Budget
from runners.serving.captures import Captures
from runners.serving.command_line import command_line_arguments
from runners.serving.server_process import ServerProcess, free_port

# The `vllm` command of the CPU build fails. -P: a folder of the user's must not pass for one of vLLM's modules.
_SERVER = (sys.executable, "-P", "-m", "vllm.entrypoints.openai.api_server")
_KEY = "VLLM_API_KEY"
_ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_NO_USAGE_STATS": "1", "TOKENIZERS_PARALLELISM": "false"}
_OURS = ("model", "host", "port", "uds", "api_key", "served_model_name", "chat_template", "return_tokens_as_token_ids")
_CAPTURE = ("--logits-processors", "runners.backends.served_capture:ServedCapture")
# Workers of their own keep their logits to themselves; a draft model's engine takes no logits processor.
_SEVERAL = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")


@dataclass
class VllmServer:
    """Serves a local folder or hub id over HTTP on loopback, with a key of its own; `engine` becomes its arguments.

    Everything asked goes through `OpenaiApi`: what the server allows is found out, raw responses are kept, faults are
    retried. Nobody sends a bill, but a budget holds. While it is up, `url`, `key` and `served_as` say how others may
    ask it. Raises CandidateError on settings that can't work, and with the
    server's last words where it dies.
    """

    model: str
    system_prompt: str | None = None
    chat_template: str | None = None
    engine: dict[str, Any] = field(default_factory=dict)
    endpoint: str = "auto"
    reasoning_tokens: int = 1024
    concurrency: int = 16
    timeout_s: float = 300.0
    start_timeout_s: float = 1800.0
    name: str = "vllm_server"

    def __post_init__(self) -> None:
        if taken := [key for key in _OURS if key in self.engine]:
            raise CandidateError(f"backend.engine.{taken[0]} is set by kinprint itself for the server that it starts")
        defaults = {"generation_config": "vllm", "max_logprobs": 20, **engine_defaults(self.model)}
        self._arguments = command_line_arguments({**defaults, **self.engine})
        self._api = OpenaiApi(
            served_name(self.model),
            "http://127.0.0.1/v1",  # the port is known once there is a server
            system_prompt=self.system_prompt,
            endpoint=self.endpoint,
            reasoning_tokens=self.reasoning_tokens,
            concurrency=self.concurrency,
            timeout_s=self.timeout_s,
            retries=2,
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What makes two runs ask the same thing; the port is another one every time."""
        return {"endpoint": self.endpoint, "reasoning_tokens": self.reasoning_tokens}

    @property
    def fewest_chosen(self) -> int | None:
        """See `OpenaiApi`."""
        return None if self._capturing else MOST_BY_ID

    @property
    def _capturing(self) -> bool:
        """Whether the server's engine can capture logits beside its answers, so that they need no queries."""
        several = any((self.engine.get(size) or 1) > 1 for size in _SEVERAL)
        return not several and not self.engine.get("speculative_config")

    def __enter__(self) -> Self:
        check_local_model(self.model)
        if find_spec("vllm") is None:
            raise CandidateError("vLLM is not installed; install kinprint[cpu] or kinprint[gpu]")
        key, port = secrets.token_urlsafe(32), free_port()
        self.url, self.key, self.served_as = f"http://127.0.0.1:{port}/v1", key, served_name(self.model)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kinprint-")))
            environment = {**_ENVIRONMENT, _KEY: key, FOLDER: str(folder)}
            command = [*_SERVER, *self._address(port), *self._chat_template(folder), *self._arguments]
            command += _CAPTURE if self._capturing else ()
            self._server = stack.enter_context(ServerProcess("vLLM's server", command, port, environment))
            self._token_bytes = tokenizer_bytes(self.model, self.engine)  # while the server starts
            self._server.wait_until_healthy(self.start_timeout_s)
            self._api = replace(self._api, base_url=self.url)
            captures = Captures(folder, self._token_bytes) if self._capturing else None
            stack.push(self._api.connect(key, self._token_bytes, captures, proxies=False))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def describe(self) -> Description:
        """The engine and its arguments, and the model's own tokenizer."""
        return Description(
            model=self.model,
            engine={"name": "vllm", "version": vllm_version(), "server": True, "arguments": dict(self.engine)},
            tokenizer={"size": len(self._token_bytes), "sha256": vocabulary_sha256(self._token_bytes)},
            token_bytes=self._token_bytes,
        )

    def begin(self, folder: Path, budget: Budget) -> None:
        """See `OpenaiApi`."""
        self._api.begin(folder, budget)

    def negotiate(self, tier: Tier, top_k: int, temperature: float, known: Terms | None) -> Terms:
        """Find out what the server allows; its first answer takes longer, since kernels are compiled for it."""
        with self._told_from_a_death():
            return self._api.negotiate(tier, top_k, temperature, known)

    def ask(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        """Answer every request, in the order in which the answers come in; ends if the server does."""
        with self._told_from_a_death():
            for answer, logits in self._api.ask(requests, tier, top_k):
                if answer.status == "error" and answer.asked_at is not None:
                    self._server.check()  # a dead server's failures are no answers of the model's
                yield answer, logits

    def keep_positions(self, positions: Positions, token_ids: npt.NDArray[np.int32]) -> None:
        """From now on keep positions of the prompts. Raises CandidateError if the engine can't be looked into."""
        self._api.keep_positions(positions, token_ids)

    def position_logits(self) -> Logits | None:
        """The chosen tokens' logits [n_positions, n_chosen] of the answer that was yielded last."""
        return self._api.position_logits()

    def spent_beside(self) -> dict[str, int]:
        """See `OpenaiApi`."""
        return self._api.spent_beside()

    def finish(self, order: Sequence[tuple[str, int]]) -> list[str]:
        """See `OpenaiApi`."""
        return self._api.finish(order)

    def end(self, discard: bool) -> None:
        """See `OpenaiApi`."""
        self._api.end(discard)

    @contextmanager
    def _told_from_a_death(self) -> Iterator[None]:
        """Where asking fails because the server died, say so, with its last words."""
        try:
            yield
        except CandidateError:
            self._server.check()
            raise

    def _address(self, port: int) -> list[str]:
        model = str(Path(self.model).resolve()) if Path(self.model).exists() else self.model
        address = {"model": model, "served_model_name": served_name(self.model), "host": "127.0.0.1", "port": port}
        # Ids, since tokens whose texts are alike would overwrite each other in a completion's logprobs.
        return command_line_arguments({**address, "return_tokens_as_token_ids": True})

    def _chat_template(self, folder: Path) -> list[str]:
        if self.chat_template is None:
            return []
        path = folder / "chat_template.jinja"
        path.write_text(self.chat_template, "utf-8")
        return ["--chat-template", str(path)]
