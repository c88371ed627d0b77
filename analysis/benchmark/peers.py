"""The peers in the benchmark: the same recordings, the same queries, settings chosen on training lineages alone.

A setting is the best on the pairs of training lineages at one budget, fold by fold. Peers name the nearest reference;
how near it is tells unknowns from knowns; and a pair's score accuses, at thresholds set as ours are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.baselines.interface import Baseline, Scores
from analysis.baselines.outputs import Outputs, align, outputs_of
from analysis.baselines.setting import best_of
from analysis.benchmark.accusations import Accusations, accusations
from analysis.benchmark.family import Subset
from analysis.benchmark.specimens import Seen, Specimen
from analysis.benchmark.splits import folds, outside
from analysis.descent.aligned import NAMED_A_QUERY, rows_for
from analysis.descent.rivals import Places
from analysis.libraries.library import REFERENCES

CHOSEN_AT = 64
"""The budget at which settings are chosen, or the largest below it."""


@dataclass
class PeerTrials:
    """Of one peer at one (budget, seed), by model: `hit`, and how near the nearest reference was, `near_known` with the
    model's family there and `near_left_out` without it; who was accused; and which settings were chosen."""

    hit: dict[int, float] = field(default_factory=dict)
    near_known: dict[int, float] = field(default_factory=dict)
    near_left_out: dict[int, float] = field(default_factory=dict)
    accused: Accusations = field(default_factory=Accusations)
    settings: list[Baseline] = field(default_factory=list)
    scores: Scores = field(default_factory=lambda: np.zeros((0, 0)))
    near: Scores = field(default_factory=lambda: np.zeros((0, 0)))


def outputs_at(seen: Seen) -> list[Outputs]:
    """What peers see of everybody."""
    read = [outputs_of(one.recording, seen.access) for one in seen.candidates]
    return align(read, seen.signatures[0].digests)


@dataclass
class PeerTest:
    """One peer on the models of one access; `outputs` of all models, `references` their places."""

    baseline: Baseline
    models: Sequence[Specimen]
    references: Places
    outputs: Sequence[Outputs]
    subsets: dict[Subset, Places]
    _scores: dict[tuple[Baseline, Subset, str], Scores] = field(default_factory=dict, repr=False)

    def run(self, subset: Subset) -> PeerTrials:
        """Everything at one (budget, seed). Raises LibraryError if no setting can be chosen."""
        trials = PeerTrials()
        for held_out in folds(self.models):
            inside = [place for place, one in enumerate(self.models) if one.lineage in held_out]
            setting = self._setting(held_out, subset[1], "family")
            trials.settings.append(setting)
            self._name_nearest(trials, setting, subset, inside)
        trials.scores = self.scores(self._setting(frozenset(), subset[1], "lineage"), subset, "lineage")
        trials.near = self._without_itself(
            self.scores(self._setting(frozenset(), subset[1], "family"), subset, "family")
        )
        trials.accused = accusations(self.models, self.references, self._without_itself(trials.scores))
        return trials

    def scores(self, setting: Baseline, subset: Subset, by: str) -> Scores:
        """[n_models, n_references], where references are filed under their `family` or their `lineage`."""
        key = (setting, subset, "" if setting.pairwise else by)
        if key not in self._scores:
            models = self._filed(subset, by)
            self._scores[key] = setting.scores(models, [models[place] for place in self.references])
        return self._scores[key]

    def _filed(self, subset: Subset, by: str) -> list[Outputs]:
        canaries = self.subsets[subset]
        named = NAMED_A_QUERY if self.outputs[0].access.named else None
        tokens = next((one.logits.shape[1] for one in self.outputs if one.logits is not None), 1)
        rows = rows_for(canaries, tokens, named)
        return [
            replace(one.take(rows), lineage=getattr(specimen, by))
            for one, specimen in zip(self.outputs, self.models, strict=True)
        ]

    def _setting(self, held_out: frozenset[str], seed: int, by: str) -> Baseline:
        grid = self.baseline.grid()
        budget = max([size for size, _ in self.subsets if size <= CHOSEN_AT], default=min(self.subsets)[0])
        subset = (budget, seed)
        free = np.array([outside(one, held_out) for one in self.models])
        rows, columns = np.flatnonzero(free), np.flatnonzero(free[self.references])
        models = self._filed(subset, by)
        tried = [(one, self.scores(one, subset, by)[np.ix_(rows, columns)]) for one in grid]
        return best_of(tried, [models[n] for n in rows], [models[n] for n in self.references[columns]]).baseline

    def _name_nearest(self, trials: PeerTrials, setting: Baseline, subset: Subset, inside: Sequence[int]) -> None:
        scores = self._without_itself(self.scores(setting, subset, "family"))
        families = np.array([self.models[place].family for place in self.references])
        for place in inside:
            one = self.models[place]
            if one.kind not in REFERENCES and (families == one.family).any():
                nearest = np.nan_to_num(scores[place], nan=-np.inf)
                named = np.isfinite(nearest).any()
                trials.hit[place] = float(named and families[nearest.argmax()] == one.family)
                trials.near_known[place] = float(nearest.max())
        for family in sorted({self.models[place].family for place in inside}):
            rows = [place for place in inside if self.models[place].family == family]
            others = np.flatnonzero(families != family)
            if len(others):
                left = self._left_out(setting, subset, scores, rows, others)
                trials.near_left_out.update(zip(rows, left.max(axis=1).tolist(), strict=True))

    def _left_out(self, setting: Baseline, subset: Subset, scores: Scores, rows: list[int], others: Places) -> Scores:
        """Scores of some models with some references, as if there were no others: -inf where there are none."""
        if setting.pairwise:
            found = scores[rows][:, others]
        else:
            models = self._filed(subset, "family")
            found = setting.scores([models[n] for n in rows], [models[n] for n in self.references[others]])
        return np.nan_to_num(found, nan=-np.inf)

    def _without_itself(self, scores: Scores) -> Scores:
        return np.where(np.arange(len(self.models))[:, None] == self.references, np.nan, scores)


def possible(baseline: Baseline, seen: Seen, outputs: Sequence[Outputs]) -> bool:
    """Whether a peer can be used at all: the access is one of its own, and what it reads is there."""
    if seen.access.name not in baseline.accesses:
        return False
    return baseline.name != "templates" or all(one.embeddings is not None for one in outputs)


def settings_said(settings: Sequence[Baseline]) -> str:
    """Which settings were chosen, the most frequent first."""
    names = [str(one) for one in settings]
    return ", ".join(sorted(set(names), key=lambda name: (-names.count(name), name)))
