"""The yardstick for captures of every position: the forward pass with the output layer at those positions, no more."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from runners.backends.vllm_engine import VllmEngine


@contextmanager
def running_output_layer(engine: VllmEngine) -> Iterator[None]:
    """While it lasts, run the output layer of a started engine at every position of the prompts, and drop what comes.

    At the last of each the engine runs it by itself.
    """
    from runners.backends.capture_positions import ROWS, query_start_loc

    def run(model: Any, arguments: Any, named: Mapping[str, Any], hidden: Any) -> None:
        begins = query_start_loc()
        last = {end - 1 for end in begins[1:]}
        rows = [row for row in range(begins[-1]) if row not in last]
        for start in range(0, len(rows), ROWS):
            model.compute_logits(hidden[rows[start : start + ROWS]])

    hooks: list[Any] = []
    engine._llm.apply_model(lambda model: hooks.append(model.register_forward_hook(run, with_kwargs=True)))
    try:
        yield
    finally:
        hooks[0].remove()
