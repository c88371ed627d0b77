"""The image of real models: its dimension is the hidden size, exactly in float32 and nearly in bfloat16."""

from pathlib import Path

import numpy as np
import pytest

from analysis.descent.image import Image, cosines, image_of
from probes.chosen_tokens import chosen_tokens
from probes.suite import load_suite
from runners.backends.token_bytes import spell_vocabulary
from runners.zoo.fetch import fetch

pytestmark = pytest.mark.engine

SIZES = {"smollm2": 576, "gemma3": 640, "qwen2.5-coder": 896}
ROWS, STEP = 1280, 320


def rows_of(folder: Path, dtype: str) -> np.ndarray:
    """Logits of the chosen tokens at 1,280 positions of the core suite's texts, one after the other: [1280, 2048]."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    chosen = chosen_tokens(spell_vocabulary(tokenizer, model.config.vocab_size), 2048)
    text = "\n".join(canary.text for canary in load_suite("core").canaries if canary.text is not None)
    ids = tokenizer(text, return_tensors="pt").input_ids[0][:ROWS]
    output = model.get_output_embeddings().weight[torch.from_numpy(chosen.astype(np.int64))]
    with torch.no_grad():
        parts = [model.model(ids[None, at : at + STEP]).last_hidden_state[0] @ output.T for at in range(0, ROWS, STEP)]
    return np.concatenate([part.float().numpy() for part in parts])


# In bfloat16 a CPU takes minutes for the larger ones: they were measured once (docs/channels.md).
SLOW = [pytest.param(name, "float32", marks=pytest.mark.slow) for name in ("gemma3", "qwen2.5-coder")]
SLOW += [pytest.param("smollm2", "bfloat16", marks=pytest.mark.slow)]


@pytest.mark.parametrize(("name", "dtype"), [("smollm2", "float32"), *SLOW])
def test_the_dimension_is_the_hidden_size(name: str, dtype: str) -> None:
    logits = rows_of(fetch(name), dtype)
    found = image_of(logits)
    assert isinstance(found, Image)
    assert found.hidden_size is not None
    assert abs(found.hidden_size - SIZES[name]) <= (0 if dtype == "float32" else 0.02 * SIZES[name])
    too_few = image_of(logits[: SIZES[name] - 20])
    assert isinstance(too_few, Image)
    assert too_few.hidden_size is None
    again = image_of(logits[::-1])
    assert isinstance(again, Image)
    np.testing.assert_allclose(cosines(found.basis, again.basis)[:500], 1, atol=1e-3)
