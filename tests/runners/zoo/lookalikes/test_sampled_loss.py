"""The loss beside a sample of the vocabulary comes to the loss beside all of it."""

from dataclasses import replace
from typing import Any

import pytest

from runners.zoo.lookalikes import plans
from runners.zoo.lookalikes.architecture import untrained
from runners.zoo.lookalikes.sampled_loss import sampled_loss
from runners.zoo.lookalikes.training import Course, next_token_loss, train

torch = pytest.importorskip("torch")
VOCABULARY = 400
TEXT = torch.arange(50).repeat(60)


@pytest.fixture
def model() -> Any:
    """Of two layers, and far from uniform in what it says."""
    plan = replace(plans.BORROWED, hidden_size=32, layers=2, heads=2, intermediate_size=64)
    made = untrained(plan, VOCABULARY, 0, 0)
    with torch.no_grad():
        made.get_output_embeddings().weight.mul_(20)
    return made


def test_a_sample_stands_for_all_that_the_text_does_not_hold(model: Any) -> None:
    blocks = torch.stack([TEXT[place : place + 33] for place in (0, 7)])
    sampled, few = (sampled_loss(TEXT, VOCABULARY, drawn, seed=0) for drawn in (20_000, 20))
    with torch.no_grad():
        whole = float(next_token_loss(model, blocks))
        assert float(sampled(model, blocks)) == pytest.approx(whole, rel=0.01)
        drawn = [float(few(model, blocks)) for _ in range(200)]
    assert len(set(drawn)) == 200
    assert sum(drawn) / 200 == pytest.approx(whole, rel=0.05)


def test_training_against_a_sample_lowers_the_whole_loss(model: Any) -> None:
    blocks = torch.stack([TEXT[place : place + 33] for place in (0, 7)])
    before = next_token_loss(model, blocks).item()
    course = Course(tokens=12_000, learning_rate=4e-3, block_tokens=32)
    train(model, TEXT, course, 0, "training", sampled_loss(TEXT, VOCABULARY, 64, seed=0))
    assert next_token_loss(model, blocks).item() < before / 2


def test_every_block_begins_as_a_prompt_will(model: Any) -> None:
    seen: list[Any] = []

    def loss(trained: Any, blocks: Any) -> Any:
        seen.append(blocks)
        return next_token_loss(trained, blocks)

    course = Course(tokens=3 * 8 * 32, learning_rate=0.0, block_tokens=32)
    train(model, TEXT, course, 0, "training", loss, begin=399)
    assert len(seen) == 3
    assert all((blocks[:, 0] == 399).all() and (blocks[:, 1:] < 50).all() for blocks in seen)
    train(model, TEXT, course, 0, "training", loss)
    assert all((blocks < 50).all() for blocks in seen[3:])
