"""The channels of descent on models that were really trained: three seeds of one recipe, and two fine-tunes of two.

`tests/data/lookalikes.npz` holds, of each, the output matrix [768, 48] and the last hidden states [384, 48] (float16).
Decoders of 2 layers: vocabulary of 768 byte-level pieces, 1.0 million tokens of the Python library and the Debian
Reference in English; fine-tuned on the latter in French for 56 steps (light) and 300 (heavy) of 1,152 tokens, in one
order for all. The prompts are 24 tokens of held-out code and French. By Jensen-Shannon divergence of the next token,
the strangers are closer to each other (0.11 bits) than a base to its heavy fine-tune (0.22).
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.channels import pair_channels
from analysis.signatures.chosen_logits import LAST, ChosenLogits
from analysis.signatures.unfed import Unfed
from tests.output_spaces import Seen

MODELS = dict(np.load(Path(__file__).parents[2] / "data" / "lookalikes.npz"))
BASES, CHILDREN = "abc", ("a-light", "a-heavy", "b-light", "b-heavy")
ROWS, VOCAB = 384, 768


def logits(name: str) -> np.ndarray:
    hidden, output = (MODELS[f"{name}.{part}"].astype(np.float64) for part in ("hidden", "output"))
    return np.asarray(hidden @ output.T)


def arrays(channel: str, name: str, rows: int = ROWS) -> dict[str, Any]:
    names, numbers = np.stack([np.arange(1, rows + 1), np.full(rows, LAST)], axis=1), np.arange(1, VOCAB + 1)
    chosen = ChosenLogits(logits(name)[:rows].astype(np.float32), names, numbers.astype(np.uint64), numbers, 7)
    found = pair_channels()[channel].extract(Seen(chosen))  # type: ignore[arg-type]
    assert not isinstance(found, Unfed)
    return dict(found)


def likeliest(name: str, k: int) -> dict[str, Any]:
    logprobs = logits(name) - np.log(np.exp(logits(name)).sum(axis=1, keepdims=True))
    order = np.argsort(-logprobs, axis=1)[:, :k]
    rows = np.stack([np.arange(1, ROWS + 1), np.zeros(ROWS, np.int64)], axis=1)
    return {
        "tokens": order.astype(np.uint64) + 1,
        "logprobs": np.take_along_axis(logprobs, order, axis=1),
        "rows": rows,
    }


def verdicts(channel: str, child: dict[str, Any], references: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The numbers beside each base, the others being the population."""
    compare = pair_channels()[channel].compare
    return {
        name: compare(child, reference, [other for rival, other in references.items() if rival != name])
        for name, reference in references.items()
    }


def test_behaviour_accuses_the_strangers() -> None:
    def divergence(one: str, other: str) -> float:
        p, q = (np.exp(logits(n)) / np.exp(logits(n)).sum(axis=1, keepdims=True) for n in (one, other))
        middle = (p + q) / 2
        return float(np.mean([(side * np.log2(side / middle)).sum(axis=1) for side in (p, q)]))

    assert divergence("a", "b") < divergence("a-light", "b-light") < divergence("a", "a-heavy")


@pytest.mark.parametrize("child", CHILDREN)
@pytest.mark.parametrize(
    ("channel", "number", "at_least"),
    [
        ("logit_image", "shared", 0.9),
        ("logit_image", "weakest", 0.85),
        ("keyhole", "explained", 0.8),
        ("rare_tokens", "correlation", 0.35),
        ("rare_tokens", "beyond strangers", 0.35),
        ("rare_tokens", "least likely in common", 0.6),
    ],
)
def test_what_the_random_start_left_names_the_parent(child: str, channel: str, number: str, at_least: float) -> None:
    found = verdicts(channel, arrays(channel, child), {base: arrays(channel, base) for base in BASES})
    parent = found.pop(child[0])
    assert parent[number] >= at_least
    assert parent[number] > max(numbers[number] for numbers in found.values()) + 0.1


@pytest.mark.parametrize("child", CHILDREN)
def test_one_prompt_is_keyhole_enough(child: str) -> None:
    shown = arrays("keyhole", child)
    shown["logits"] = shown["logits"][:1]
    found = verdicts("keyhole", shown, {base: arrays("keyhole", base) for base in BASES})
    assert max(found, key=lambda base: found[base]["explained"]) == child[0]


@pytest.mark.parametrize("child", CHILDREN)
def test_top_20_names_the_parent_beside_its_rivals(child: str) -> None:
    found = verdicts("rivals", likeliest(child, 20), {base: likeliest(base, VOCAB) for base in BASES})
    assert found.pop(child[0])["z"] > 5
    assert all(numbers["z"] < 0 for numbers in found.values())
