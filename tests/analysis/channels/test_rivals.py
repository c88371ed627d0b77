"""Rivals: the parent beats a stranger of the same recipe on the candidate's own twenty likeliest tokens."""

import numpy as np
import pytest

from analysis.channels import pair_channels
from analysis.channels.rivals import TOP
from tests.output_spaces import ROWS, VOCAB, Model, descendant, stranger

RIVALS = pair_channels()["rivals"]


def shown(model: Model, k: int) -> dict[str, np.ndarray]:
    """The k likeliest tokens of every prompt."""
    logprobs = model.logits - np.log(np.exp(model.logits).sum(axis=1, keepdims=True))
    order = np.argsort(-logprobs, axis=1)[:, :k]
    rows = np.stack([np.arange(1, ROWS + 1), np.zeros(ROWS, np.int64)], axis=1)
    return {
        "tokens": order.astype(np.uint64) + 1,
        "logprobs": np.take_along_axis(logprobs, order, axis=1),
        "rows": rows,
    }


@pytest.mark.parametrize("world", range(6))
def test_the_parent_beats_its_rivals_at_top_20(world: int) -> None:
    child = shown(descendant(stranger(0, world), world=world), TOP)
    parent, *others = (shown(stranger(seed, world), VOCAB) for seed in range(4))
    true, false = RIVALS.compare(child, parent, others), RIVALS.compare(child, others[0], [parent, *others[1:]])
    assert true["z"] > 3
    assert false["z"] < -3
    assert true["prompts"] == ROWS


def test_between_two_strangers_the_score_is_no_larger_than_chance() -> None:
    scores = []
    for world in range(40):
        candidate = shown(stranger(9, world), TOP)
        p, q, t = (shown(stranger(seed, world), VOCAB) for seed in range(3))
        # with the third as the only other, there is one rival left
        scores.append(RIVALS.compare(candidate, p, [q, {**t, "rows": t["rows"]}])["z"])
    assert np.mean(np.array(scores) > 3) < 0.05


def test_it_takes_two_models_beside_the_reference() -> None:
    child, parent, other = shown(stranger(0), TOP), shown(stranger(1), VOCAB), shown(stranger(2), VOCAB)
    assert RIVALS.compare(child, parent, []) == RIVALS.compare(child, parent, [other]) == {}
    assert RIVALS.describe(child) == {}


def test_tokens_that_a_reference_does_not_show_are_not_guessed() -> None:
    child, parent, *others = (shown(stranger(seed), VOCAB) for seed in range(4))
    hidden = {**parent, "tokens": parent["tokens"] + np.uint64(VOCAB)}
    assert RIVALS.compare(child, hidden, others) == {}
