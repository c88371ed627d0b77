"""Rows of `kinprint bench sequential` about probing: how soon it decides, what choosing saves, how often it errs."""

from dataclasses import replace

import numpy as np

from analysis.attribution.rules import Rules
from analysis.benchmark.compared import Compared
from analysis.benchmark.ours import CHANNELS
from analysis.benchmark.specimens import Seen, specimens_of
from analysis.libraries.library import Library
from analysis.sequential.family import FIRST, usual_order
from analysis.sequential.family_figures import Costs, costs, median, ready_at
from analysis.sequential.family_replay import FamilyPaths, FamilyReplay, How, evidence_of
from analysis.sequential.shared import SharedAtLooks, shared_at_looks
from analysis.sequential.simulation import false_decisions
from analysis.signatures.observation import Access
from probes.errors import LibraryError
from runners.bench.descent_probing import descent_rows
from runners.bench.row import Row, Target
from runners.bench.rows_of_probes import ALPHA, RUNS, false_rows, named_queries, saved_row
from runners.progress import say

ACCESSES = (Access("logits"), Access("topk", top_k=20, named=True), Access("topk", top_k=20), Access("text"))
"""At text, a canary is one query: its greedy answer."""
WORKERS = 2
"""Accesses that are replayed at a time."""
_FAMILY_QUERIES = {"logits": 6, "topk_chosen": 10, "topk": 10, "text": 24}
_FIRST_LOOKS = (8, 16, 32)
"""Of random order, the first look that serves it best is taken, of these and of that of informative order."""


def probe_rows(library: Library, runs: int = RUNS, how: How | None = None) -> list[Row]:
    """Every row that a library allows; what it can't show is said."""
    from joblib import Parallel, delayed

    found = Parallel(n_jobs=WORKERS)(delayed(_at)(access, library, runs, how or How()) for access in ACCESSES)
    return [row for rows in found for row in rows]


def _at(access: Access, library: Library, runs: int, how: How) -> list[Row]:
    seen = Seen.at(access, specimens_of([library]))
    say(f"probing at {access.name}: replays of {len(seen.candidates)} models, {len(seen.references)} references")
    rows = family_rows(seen, replace(how, first=min(FIRST[access.tier], how.most)), runs)
    return rows + (descent_rows(seen, how.most, runs) if access.shows_logits else [])


def family_rows(seen: Seen, how: How, runs: int) -> list[Row]:
    """At one access, with all that counts there, and without what depends on the tokenizer or logits have in common."""
    tier, rules, queries = seen.access.name, Rules(), 1 + named_queries(seen.access)
    compared = Compared.of(seen.signatures, seen.recorded, CHANNELS)
    how = replace(how, order=usual_order(seen.access.named))
    try:
        shared = shared_at_looks(seen)
        paths, usual = _replayed(seen, compared, how, shared)
        _, without = _replayed(seen, compared.but_tokenizer(), how)
        informative = replace(how, order="informative")
        chosen = usual if how == informative else _replayed(seen, compared, informative, shared)[1]
        drawn = _random(seen, compared, how, shared)
    except LibraryError as error:
        say(f"family rows at {tier} are left out: {error}")
        return []
    wrong, missed = (
        false_decisions(evidence_of(of), paths.lineages, paths.judge(what), ALPHA, ready_at(of, sure), runs)
        for of, what, sure in (
            (paths.wrong, "family", rules.attributed_at),
            (paths.unknown, "unknown", rules.unknown_at),
        )
    )
    return [
        _median(f"family_queries_median/{tier}", usual.family, queries, _FAMILY_QUERIES[tier]),
        _median(f"family_queries_median_without_tokenizer/{tier}", without.family, queries),
        _median(f"unknown_queries_median/{tier}", usual.unknown, queries),
        _undecided(f"family_undecided/{tier}", usual),
        saved_row(f"choosing_saves/{tier}", chosen.family, drawn.family, how.most, paths.lineages),
        *false_rows(f"false_accusations/{runs}/family_{tier}", wrong, runs),
        *false_rows(f"false_unknowns/{runs}/{tier}", missed, runs),
    ]


def _replayed(
    seen: Seen, compared: Compared, how: How, shared: SharedAtLooks | None = None
) -> tuple[FamilyPaths, Costs]:
    paths = FamilyReplay(seen.candidates, seen.references, compared, how, shared=shared).run()
    return paths, costs(paths, ALPHA, Rules())


def _random(seen: Seen, compared: Compared, how: How, shared: SharedAtLooks | None) -> Costs:
    """The same decisions in random order, with the first look that serves it best."""
    tried = []
    for first in sorted({how.first, *(first for first in _FIRST_LOOKS if first < how.most)}):
        tried.append(_replayed(seen, compared, replace(how, order="random", first=first), shared)[1])
    return min(tried, key=lambda one: float(np.mean([min(spent, how.most) for spent in one.family.values()])))


def _median(name: str, spent: dict[int, float], queries: int, most: float | None = None) -> Row:
    """Of so many `queries` a canary."""
    target = None if most is None else Target(name, "queries", "<=", most)
    canaries = median(spent)
    value = None if canaries is None else canaries * queries
    return Row(name, value, target, "queries", (None, None, len(spent)))


def _undecided(name: str, usual: Costs) -> Row:
    never = [float(np.isinf(spent)) for spent in usual.family.values()]
    return Row(name, float(np.mean(never)) if never else None, None, "share")
