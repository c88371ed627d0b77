"""Rare tokens: what the random start left is shared by descendants, and not by strangers of the same data."""

import numpy as np
import pytest

from analysis.channels import pair_channels
from tests.output_spaces import arrays, descendant, stranger

RARE = pair_channels()["rare_tokens"]


@pytest.mark.parametrize("world", range(5))
def test_descendants_beside_strangers(world: int) -> None:
    parent, *others = (arrays(RARE, stranger(seed, world)) for seed in range(4))
    child = arrays(RARE, descendant(stranger(0, world), world=world))
    true, false = RARE.compare(child, parent, others), RARE.compare(child, others[0], [parent, *others[1:]])
    for name in ("least likely in common", "correlation", "beyond strangers"):
        assert true[name] > false[name], name
    assert true["beyond strangers"] > 0.4
    assert abs(false["beyond strangers"]) < 0.4
    assert true["correlation"] > true["correlation with strangers"]
    assert true["least likely in common"] > true["least likely in common with strangers"]
    assert false["correlation with strangers"] == pytest.approx(true["correlation"], abs=0.02)


def test_a_model_is_all_like_itself_and_not_at_all_like_noise() -> None:
    one = arrays(RARE, stranger(0))
    same = RARE.compare(one, one, [])
    assert same["least likely in common"] == pytest.approx(1)
    assert same["correlation"] == pytest.approx(1)
    noise = {**one, "logits": np.random.default_rng(0).normal(size=one["logits"].shape)}
    found = RARE.compare(noise, one, [])
    assert abs(found["least likely in common"]) < 0.02
    assert abs(found["correlation"]) < 0.05


def test_constants_by_token_and_by_prompt_change_nothing() -> None:
    one, other = arrays(RARE, stranger(0)), arrays(RARE, descendant(stranger(0)))
    source = np.random.default_rng(0)
    by_prompt = {**one, "logits": one["logits"] + source.normal(size=(len(one["rows"]), 1))}
    assert RARE.compare(by_prompt, other, [])["correlation"] == pytest.approx(
        RARE.compare(one, other, [])["correlation"], abs=1e-3
    )


def test_other_prompts_or_other_tokens_say_nothing() -> None:
    one, other = arrays(RARE, stranger(0)), arrays(RARE, stranger(0), vocabulary=8)
    assert RARE.compare(one, other, []) == {}
    elsewhere = {**one, "rows": one["rows"] + np.array([1000, 0])}
    assert RARE.compare(one, elsewhere, []) == {}


def test_rows_and_tokens_are_matched_by_name_and_not_by_place() -> None:
    one = arrays(RARE, stranger(0))
    source = np.random.default_rng(0)
    rows, tokens = source.permutation(len(one["rows"])), source.permutation(len(one["ids"]))
    shuffled = {**one, "rows": one["rows"][rows], "ids": one["ids"][tokens], "tokens": one["tokens"][tokens]}
    shuffled["logits"] = one["logits"][np.ix_(rows, tokens)]
    assert RARE.compare(shuffled, one, [])["correlation"] == pytest.approx(1)
