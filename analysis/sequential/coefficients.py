"""Partial coefficients while answers come in: what a reference explains of the likeliest tokens beyond its rivals."""

from collections.abc import Callable, Collection, Sequence
from typing import Self

import numpy as np

from analysis.benchmark.pair_features import Matrix
from analysis.benchmark.specimens import Specimen
from analysis.descent.regression import TOP
from analysis.descent.rivals import Models, Places
from analysis.kinship.partial_coefficients import UNTOLD, Beside, besides_of
from analysis.sequential.weights import look_before
from analysis.signatures.signature import Signature
from analysis.tokenizers.shared import TokenizerMatch


class CoefficientsAtLooks:
    """Of aligned signatures; `models` says whose weights are whose."""

    untold = UNTOLD

    def __init__(self, models: Models, seen: Sequence[Signature]) -> None:
        self.models, self.seen, self.top = models, seen, seen[0].access.top_k or TOP
        self.besides = besides_of(models, [one.likeliest for one in seen], seen, self.top)
        self._unexplained: dict[frozenset[str], Matrix] = {}

    @classmethod
    def of_signatures(cls, seen: Sequence[Signature], specimens: Sequence[Specimen], references: Places) -> Self | None:
        """None where somebody showed no likeliest tokens."""
        if any(one.likeliest is None for one in seen):
            return None
        lineages = np.array([one.lineage for one in specimens])
        return cls(Models(lineages, [one.vocabulary for one in specimens], references), seen)

    def of(self, model: int, canaries: Sequence[int], absent: Collection[str] = ()) -> Matrix:
        """Of a model with every reference [n_references], NaN where nothing can be told."""
        beside = self.besides[model]
        if beside is None:
            return np.zeros(len(self.models.references))
        return beside.on(np.array(canaries, dtype=np.intp))(absent)

    def unexplained(self, absent: Collection[str] = ()) -> Matrix:
        """How much of each reference its rivals leave unexplained, canary by canary: [n_references, n_canaries], of
        mean 1, 0 where it has too few rivals."""
        key = frozenset(absent)
        if key not in self._unexplained:
            besides = [self.besides[place] for place in self.models.references.tolist()]
            nothing = np.zeros(len(self.seen[0].canaries))
            self._unexplained[key] = np.array([nothing if one is None else one.unexplained(key) for one in besides])
        return self._unexplained[key]

    def looked_at(
        self, n_models: int, drawn: Sequence[Sequence[int]]
    ) -> Callable[[int, int, Collection[str]], Matrix | None]:
        """For a draw of canaries, a model and absent lineages what was seen at the last look; None before the first."""
        found = {
            (draw, model): beside.on(np.array(canaries[:look], dtype=np.intp))
            for draw, canaries in enumerate(drawn)
            if (look := look_before(len(canaries)))
            for model, beside in enumerate(self.besides[:n_models])
            if beside is not None
        }
        return lambda draw, model, absent: found[draw, model](absent) if (draw, model) in found else None

    def seen_by(self, told: Signature, places: Sequence[int]) -> tuple[Callable[[Sequence[int]], Matrix], list[int]]:
        """Of a candidate that was asked the canaries at `places`, and these: repeated answers tell no less."""
        asked_at, references = np.array(places, dtype=np.intp), self.models.references.tolist()
        seen = [self.seen[place] for place in references]
        match = TokenizerMatch.of(told, [one.take(asked_at) for one in seen], [one.vocabulary for one in seen])
        if told.likeliest is None or match is None:
            return lambda asked: np.full(len(references), np.nan), list(places)
        sides = [None if one.likeliest is None else one.likeliest.take(asked_at) for one in seen]
        beside = Beside(told.likeliest, match, sides, self.models.lineages[self.models.references], top=self.top)
        row = {place: number for number, place in enumerate(places)}
        return lambda asked: beside.on(np.array([row[one] for one in asked], dtype=np.intp))(()), list(places)
