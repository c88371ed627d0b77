"""The keyhole: a few prompts' logits lie in the parent's output space, and no deeper in a stranger's than chance."""

import numpy as np
import pytest

from analysis.channels import pair_channels
from analysis.channels.keyhole import partial_r_squared
from tests.output_spaces import SIZE, arrays, descendant, stranger

KEYHOLE = pair_channels()["keyhole"]


@pytest.mark.parametrize("world", range(5))
@pytest.mark.parametrize("prompts", [1, 4])
def test_one_prompt_tells_the_parent_from_strangers(world: int, prompts: int) -> None:
    parent, *others = (arrays(KEYHOLE, stranger(seed, world)) for seed in range(3))
    child = arrays(KEYHOLE, descendant(stranger(0, world), world=world), rows=max(prompts, 20))
    child["logits"] = child["logits"][:prompts]
    found = KEYHOLE.compare(child, parent, others)
    assert found["explained"] > found["explained by strangers"] + 0.2
    assert KEYHOLE.compare(child, others[0], [parent, others[1]])["explained"] < found["explained"]


def test_three_tokens_for_two_dimensions_are_enough() -> None:
    parent, other, child = (arrays(KEYHOLE, model) for model in (stranger(0), stranger(1), descendant(stranger(0))))
    for side in (parent, other, child):
        side["ids"] = np.where(np.arange(len(side["ids"])) < 1.5 * SIZE, side["ids"] + 1, 0)
    found = KEYHOLE.compare(child, parent, [other])
    assert found["explained"] > found["explained by strangers"] + 0.2
    for side in (parent, other, child):
        side["ids"] = np.where(np.arange(len(side["ids"])) < SIZE, side["ids"], 0)
    assert np.isnan(KEYHOLE.compare(child, parent, [other])["explained"])


def test_a_space_that_has_nothing_to_do_with_it_explains_nothing_on_average() -> None:
    source = np.random.default_rng(0)
    values = [
        partial_r_squared(source.normal(size=(5, 120)), source.normal(size=(2, 120)), source.normal(size=(60, 120)))
        for _ in range(60)
    ]
    assert abs(np.mean(values)) < 0.03


def test_what_everybody_shares_counts_for_nobody() -> None:
    source = np.random.default_rng(1)
    common, own = source.normal(size=(1, 200)), source.normal(size=(20, 200))
    basis = np.concatenate([common, source.normal(size=(19, 200))])
    logits = 10 * common + source.normal(size=(9, 20)) @ own
    assert partial_r_squared(logits, source.normal(size=(1, 200)), basis) > 0.5
    assert abs(partial_r_squared(logits, common, basis)) < 0.1
    assert partial_r_squared(logits, common, own) > 0.99


def test_a_reference_whose_image_was_not_seen_explains_nothing() -> None:
    short, child = arrays(KEYHOLE, stranger(0), rows=20), arrays(KEYHOLE, descendant(stranger(0)))
    assert np.isnan(KEYHOLE.compare(child, short, [])["explained"])
    assert KEYHOLE.describe(child) == {}
