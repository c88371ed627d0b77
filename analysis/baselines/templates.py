"""Nearest template in a space of sentence embeddings, in the manner of LLMmap.

Pasquini, Kornaropoulos, Ateniese: LLMmap, Fingerprinting for Large Language Models (arXiv:2407.15847, USENIX Security
2025): the answers to all queries are embedded by a sentence encoder and taken together as one trace; a model's template
is the mean of the traces of its known configurations, and an unknown model is the one whose template is nearest, or
none of them (open set).

LLMmap has a small network between embeddings and templates, trained to bring the configurations of one model together.
It wants many configurations a model; a library has a few, so the embeddings of all answers, one after the other, are
the trace as they are. A template is the mean over the references of a lineage, without one that bears the candidate's
name. The embeddings are given; this file computes none. Settings: whether what all references have in common is taken
out of the traces; and the distance, by angle or straight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.baselines.interface import Kin, Scores
from analysis.baselines.outputs import Outputs
from analysis.baselines.thresholds import abstention
from probes.errors import LibraryError
from probes.manifest import TIERS

Traces = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Templates:
    """Minus the distance to a reference's template: of angles, cosine less 1; `straight`: the mean squared distance."""

    centred: bool = False
    straight: bool = False

    name = "templates"
    citation = "in the manner of Pasquini, Kornaropoulos, Ateniese 2024, LLMmap, arXiv:2407.15847"
    accesses = TIERS
    tokenizer_dependent = False
    pairwise = False

    def grid(self) -> tuple[Self, ...]:
        """Embeddings as they are, by angle, first."""
        return tuple(type(self)(*setting) for setting in product((False, True), repeat=2))

    def scores(self, candidates: Sequence[Outputs], references: Sequence[Outputs]) -> Scores:
        """The same for all references of one lineage; NaN where only the candidate itself would be the template.

        [n_candidates, n_references]. Answers that are not there count as what the references answer on average.
        Raises LibraryError if a model has no embeddings.
        """
        known, asked = traces(references), traces(candidates)
        average = np.nan_to_num(_mean(known))
        known, asked = (np.where(np.isnan(side), average, side) for side in (known, asked))
        origin = average if self.centred else 0.0
        names, lineages = (
            np.array([one.name for one in references]),
            np.array([one.lineage or one.name for one in references]),
        )
        scores = np.full((len(candidates), len(references)), np.nan)
        for lineage in np.unique(lineages):
            columns = np.flatnonzero(lineages == lineage)
            for name, rows in _rows_by_name(candidates, names[columns]).items():
                if len(others := columns[names[columns] != name]):
                    template = known[others].mean(axis=0)
                    scores[np.ix_(np.array(rows), columns)] = self._alike(asked[rows] - origin, template - origin)[
                        :, None
                    ]
        return scores

    def threshold(self, scores: Scores, same_lineage: Kin) -> float:
        """The score under which the nearest template is not named."""
        return abstention(scores, same_lineage)

    def _alike(self, asked: Traces, template: Traces) -> Traces:
        """[n_candidates]."""
        if self.straight:
            return np.asarray(-np.mean((asked - template) ** 2, axis=1))
        length = np.linalg.norm(asked, axis=1) * np.linalg.norm(template)
        return np.where(length > 0, asked @ template / np.where(length > 0, length, 1), 0) - 1


BASELINE = Templates()


def traces(models: Sequence[Outputs]) -> Traces:
    """The embeddings of each model's answers, one after the other: [n_models, n_canaries * n_dimensions]."""
    embedded = [model.embeddings for model in models if model.embeddings is not None]
    if len(embedded) < len(models):
        missing = next(model.name for model in models if model.embeddings is None)
        raise LibraryError(f"the answers of {missing} have no embeddings; compute them before they are compared")
    return np.stack([one.ravel() for one in embedded])


def _rows_by_name(candidates: Sequence[Outputs], names: npt.NDArray[np.str_]) -> dict[str, list[int]]:
    """Rows of the candidates that bear one of the names, by that name; those of all others under ""."""
    rows: dict[str, list[int]] = {}
    for row, candidate in enumerate(candidates):
        rows.setdefault(candidate.name if candidate.name in names else "", []).append(row)
    return rows


def _mean(rows: Traces) -> Traces:
    """The mean over models of what is there; NaN where nothing is."""
    there = ~np.isnan(rows)
    total = np.where(there, rows, 0).sum(axis=0)
    return np.asarray(total / np.where(there.any(axis=0), there.sum(axis=0), np.nan), np.float32)
