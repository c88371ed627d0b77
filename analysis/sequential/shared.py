"""What a model's logits have in common with every reference's while answers come in: at any of the looks at them."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from analysis.benchmark.pair_features import Matrix
from analysis.benchmark.specimens import Seen
from analysis.descent.likeliest import counts_at
from analysis.sequential.coefficients import CoefficientsAtLooks
from analysis.sequential.weights import WeightsAtLooks
from analysis.signatures.signature import Signature

SharedOn = Callable[[Sequence[int]], Matrix]
"""What is shared with each reference [n_references], as seen on some canaries."""


class SharedAtLooks(Protocol):
    """Of models of a library: shared weights, or partial coefficients where the likeliest tokens are all there is.

    `untold`: what stands for a reference with the same tokenizer of which nothing can be told.
    """

    untold: float

    def of(self, model: int, canaries: Sequence[int], absent: Collection[str] = ()) -> Matrix:
        """What one shares with every reference [n_references], NaN where `untold` stands for it."""
        ...

    def unexplained(self, absent: Collection[str] = ()) -> Matrix | None:
        """How much of each reference its rivals leave unexplained, canary by canary: [n_references, n_canaries], of
        mean 1, 0 where it has too few rivals. None where all canaries are taken to show as much as each other."""
        ...

    def looked_at(
        self, n_models: int, drawn: Sequence[Sequence[int]]
    ) -> Callable[[int, int, Collection[str]], Matrix | None]:
        """For a draw of canaries, a model and absent lineages what was seen at the last look; None before the first."""
        ...

    def seen_by(self, told: Signature, places: Sequence[int]) -> tuple[SharedOn, list[int]]:
        """Of a candidate that was asked the canaries at `places`, and at which of them its answers differ.

        Raises LibraryError where its answers don't show what this takes.
        """
        ...


def shared_at_looks(seen: Seen) -> SharedAtLooks | None:
    """As an access shows it; None where it, or somebody's recording, shows nothing of the kind."""
    kind = CoefficientsAtLooks if counts_at(seen.access) else WeightsAtLooks
    return kind.of_signatures(seen.signatures, seen.candidates, seen.references)
