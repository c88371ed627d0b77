"""Models that are nothing but an output matrix and last hidden states: strangers of one recipe, and descendants.

All of a world share what data teaches: how frequent tokens are, and what goes with what. The rest of a model's space is
its own, from its random start; training on other data moves the shared part far, and that rest hardly.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.descent.image import image_of
from analysis.signatures.chosen_logits import LAST, ChosenLogits
from analysis.signatures.unfed import Unfed

VOCAB, SIZE, SHARED, ROWS = 640, 48, 12, 160
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """`shared` [VOCAB, SHARED] and `own` [VOCAB, SIZE - SHARED] columns of the output matrix, and what meets them."""

    shared: Matrix
    own: Matrix
    topics: Matrix
    states: Matrix

    @property
    def logits(self) -> Matrix:
        """Of every prompt: [ROWS, VOCAB]."""
        return self.topics @ self.shared.T + self.states @ self.own.T


def stranger(seed: int, world: int = 0) -> Model:
    """A model trained from its own random start on the data of a world."""
    data, own = np.random.default_rng((world, 0)), np.random.default_rng((world, 1, seed))
    shared, topics = data.normal(size=(VOCAB, SHARED)), data.normal(size=(ROWS, SHARED)) * 2
    topics[:, 0] = 6  # frequency
    noisy = shared + 0.1 * own.normal(size=shared.shape), topics + 0.2 * own.normal(size=topics.shape)
    ours, states = own.normal(size=(VOCAB, SIZE - SHARED)), own.normal(size=(ROWS, SIZE - SHARED))
    return Model(noisy[0], ours, noisy[1], states)


def descendant(parent: Model, seed: int = 0, world: int = 0) -> Model:
    """The parent trained on: other data moves what is shared as it would move anybody's, and the rest a little."""
    data, own = np.random.default_rng((world, 2)), np.random.default_rng((world, 3, seed))
    return replace(
        parent,
        topics=parent.topics + data.normal(size=parent.topics.shape),
        shared=parent.shared + 0.3 * data.normal(size=parent.shared.shape),
        own=parent.own + 0.3 * own.normal(size=parent.own.shape),
        states=parent.states + 0.3 * own.normal(size=parent.states.shape),
    )


def student(teacher: Model, seed: int = 0, learned: int = 6, world: int = 0) -> Model:
    """A model from a random start of its own that learned what its teacher says: the strongest directions alone."""
    own = np.random.default_rng((world, 4, seed))
    ours, states = own.normal(size=teacher.own.shape), teacher.states * 0.3
    ours[:, :learned], states[:, :learned] = teacher.own[:, :learned], 3 * teacher.states[:, :learned]
    return replace(teacher, own=ours, states=states)


def chosen(model: Model, rows: int = ROWS, vocabulary: int = 7) -> ChosenLogits:
    """What a recording of the model would hold."""
    names = np.stack([np.arange(1, rows + 1), np.full(rows, LAST)], axis=1)
    tokens = np.arange(1, VOCAB + 1, dtype=np.uint64) + np.uint64(1000 * vocabulary)
    return ChosenLogits(model.logits[:rows].astype(np.float32), names, tokens, np.arange(VOCAB), vocabulary)


@dataclass(frozen=True)
class Seen:
    """As `analysis.signatures.whole.Whole` shows it to the channels of descent."""

    chosen: ChosenLogits

    @property
    def last(self) -> ChosenLogits:
        return self.chosen

    @property
    def image(self) -> object:
        return image_of(self.chosen.logits)


def arrays(channel: object, model: Model, rows: int = ROWS, vocabulary: int = 7) -> dict[str, npt.NDArray[np.float64]]:
    """What a channel extracts from a model."""
    found = channel.extract(Seen(chosen(model, rows, vocabulary)))  # type: ignore[attr-defined]
    assert not isinstance(found, Unfed), found.reason
    return dict(found)
