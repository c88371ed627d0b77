"""Shared weights while answers come in: what a model scores with every reference, after any of the looks at them.

Rivals stand beside as in `analysis.descent.scores`; where a reference has none, what random spaces explain.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.benchmark.specimens import Specimen
from analysis.descent.aligned import ENOUGH, rows_shown
from analysis.descent.overlaps import Overlaps
from analysis.descent.rivals import UNKNOWN, Matrix, Models, Places, mean_beside, other_vocabularies, rivals
from analysis.descent.scores import beyond
from analysis.descent.spaces import known_rows, space_of
from analysis.kinship.shared_weights import NAME, as_evidence, known_tokens, tokens_compared
from analysis.signatures.signature import Signature
from probes.errors import LibraryError

LOOKS = (6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Numbers of canaries at which they are looked at; between two, what was seen at fewer stands."""
Logits = npt.NDArray[np.float32]


class WeightsAtLooks:
    """Of models with `logits` [n_canaries, n_tokens] of tokens that all have; `models` says whose weights are whose.

    `columns`: which of the common tokens these are.
    """

    untold = 0.0

    def __init__(self, models: Models, logits: Sequence[Logits], columns: npt.NDArray[np.bool_]) -> None:
        self.models, self.logits, self.columns = models, logits, columns
        self.spaces = [space_of(known_rows(logits[int(place)])) for place in models.references]
        lineages = models.lineages[models.references]
        self._rivals = rivals(lineages, np.array([len(one) for one in self.spaces]))
        self._others = self._rivals & other_vocabularies(models)
        self._last: tuple[int, Overlaps] | None = None

    @classmethod
    def of_signatures(cls, seen: Sequence[Signature], specimens: Sequence[Specimen], references: Places) -> Self | None:
        """From aligned signatures; None where somebody's logits are not known, or of too few tokens."""
        logits = [one.logits for one in seen if one.logits is not None]
        if len(logits) < len(seen):
            return None
        columns = tokens_compared(logits, seen[0].access)
        if columns.sum() < ENOUGH:
            return None
        lineages = np.array([one.lineage for one in specimens])
        models = Models(lineages, [one.vocabulary for one in specimens], references)
        return cls(models, [one[:, columns] for one in logits], columns)

    def of(self, model: int, canaries: Sequence[int], absent: Collection[str] = ()) -> Matrix:
        """What a model scores [n_references] with rivals of other lineages than `absent`; 0 where nothing is known."""
        return self.beside_rivals(*self.explained(model, canaries), str(self.models.lineages[model]), absent, model)

    def unexplained(self, absent: Collection[str] = ()) -> None:
        """What a space shows hangs on all of its rows together."""

    def explained(self, model: int, canaries: Sequence[int]) -> tuple[Matrix, Matrix]:
        """What each reference explains of a model, and what random spaces would: both [n_references]."""
        return self._overlaps(model)(np.array(canaries, dtype=np.intp))

    def beside_rivals(
        self, plain: Matrix, chance: Matrix, lineage: str, absent: Collection[str] = (), model: int = -1
    ) -> Matrix:
        """What is explained of somebody of a lineage beyond what rivals explain, as evidence: [n_references].

        `model` is nobody's reference to itself.
        """
        plain = np.where(self.models.references == model, np.nan, plain)
        lineages = self.models.lineages[self.models.references]
        usable, expected = (lineages != lineage) & ~np.isin(lineages, list(absent)), chance
        for beside in (self._rivals & usable, self._others & usable):
            mean = mean_beside(plain, beside)
            expected = np.where(np.isnan(mean), expected, mean)
        return as_evidence(beyond(plain, expected))

    def looked_at(
        self, n_models: int, drawn: Sequence[Sequence[int]]
    ) -> Callable[[int, int, Collection[str]], Matrix | None]:
        """For a draw of canaries, a model and absent lineages what was seen at the last look; None before the first."""
        found = {
            (draw, model): self.explained(model, canaries[:look])
            for model in range(n_models)
            for draw, canaries in enumerate(drawn)
            if (look := look_before(len(canaries)))
        }

        def shared(draw: int, model: int, absent: Collection[str]) -> Matrix | None:
            if (draw, model) not in found or not np.isfinite(found[draw, model][0]).any():
                return None
            return self.beside_rivals(*found[draw, model], str(self.models.lineages[model]), absent, model)

        return shared

    def seen_by(self, told: Signature, places: Sequence[int]) -> tuple[Callable[[Sequence[int]], Matrix], list[int]]:
        """Of a candidate that was asked the canaries at `places`, and at which of them its answers differ.

        Raises LibraryError where its answers don't show the logits that this takes.
        """
        logits = None if told.logits is None else told.logits[:, self.columns]
        if logits is None or not known_tokens(logits).all():
            raise LibraryError(
                "the candidate's answers don't show the logits of all the tokens that the library's models hold; leave "
                f"shared weights out: estimator.switched_off=[{NAME}]"
            )
        overlaps, row = Overlaps.of(logits, self.spaces), {place: number for number, place in enumerate(places)}

        def shared(asked: Sequence[int]) -> Matrix:
            return self.beside_rivals(*overlaps(np.array([row[one] for one in asked])), UNKNOWN)

        return shared, [places[number] for number in rows_shown(logits, len(logits)).tolist()]

    def _overlaps(self, model: int) -> Overlaps:
        if self._last is None or self._last[0] != model:  # many looks at one model come one after the other
            self._last = model, Overlaps.of(self.logits[model], self.spaces)
        return self._last[1]


def look_before(n: int) -> int:
    """The number of canaries at which logits were last looked at when n were asked, 0 if never."""
    return max((look for look in LOOKS if look <= n), default=0)
