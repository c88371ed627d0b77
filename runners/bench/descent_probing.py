"""Rows of `kinprint bench sequential` about probing for descent."""

import numpy as np

from analysis.benchmark.ours import logits_of, models_of
from analysis.benchmark.specimens import Seen
from analysis.descent.aligned import NAMED_A_QUERY
from analysis.descent.spaces import space_of
from analysis.libraries.library import REFERENCES, TAUGHT
from analysis.sequential.boundary import Matrix, passed_at
from analysis.sequential.descent import DescentReplay, Wrong
from analysis.sequential.family_figures import NEVER, median
from analysis.sequential.simulation import false_decisions
from probes.errors import LibraryError
from runners.bench.row import Row, Target
from runners.bench.rows_of_probes import ALPHA, false_rows, named_queries, saved_row
from runners.progress import say

_QUERIES = 24  # at logits
_DRAWN = 3
"""Orders that are drawn, to set the chosen one beside."""
_TIMES_HIDDEN = 3  # where tokens are named: so many hidden sizes of logits


def descent_rows(seen: Seen, canaries: int, runs: int) -> list[Row]:
    """From what was seen at an access that shows logits; where tokens are named, nothing else is asked for."""
    replay = replay_of(seen, canaries)
    paths = replay.paths()
    if not replay.decidable(paths).any():
        say("descent rows are left out: the library has too few independent trainings of any vocabulary")
        return []
    try:
        chosen = spent(seen, replay, paths)
    except LibraryError as error:
        say(f"descent rows are left out: {error}")
        return []
    wrong = replay.wrong(paths)
    accused = _both(replay.wrong(paths, replay.decidable(paths)))
    found = false_decisions(accused, wrong.lineages, wrong.judge, ALPHA, runs=runs)
    sizes = [len(space_of(logits)) for p in seen.references if (logits := replay.logits[int(p)]) is not None]
    tier, queries = seen.access.name, named_queries(seen.access)
    most = _TIMES_HIDDEN * float(np.median(sizes)) / NAMED_A_QUERY if queries else _QUERIES
    return [
        _median(f"descent_queries_median/{tier}", {place: n * (queries or 1) for place, n in chosen.items()}, most),
        _saved(seen, chosen, canaries),
        Row(f"descent_undecided/{tier}", float(np.mean([np.isinf(n) for n in chosen.values()])), None, "share"),
        *false_rows(f"false_accusations/{runs}/descent_{tier}", found, runs),
    ]


def _saved(seen: Seen, chosen: dict[int, float], canaries: int) -> Row:
    """What choosing saves beside the mean of orders that are drawn."""
    drawn = []
    for seed in range(_DRAWN):
        replay = replay_of(seen, canaries, seed)
        drawn.append(spent(seen, replay, replay.paths()))
    mean = {p: float(np.mean([min(one[p], canaries) for one in drawn])) for p in chosen}
    name = f"choosing_saves/descent_{seen.access.name}"
    return saved_row(name, chosen, mean, canaries, [one.lineage for one in seen.candidates])


def replay_of(seen: Seen, most: int, seed: int | None = None) -> DescentReplay:
    """Everybody, as seen."""
    return DescentReplay(
        models_of(seen),
        logits_of(seen),
        [one.taught_by for one in seen.candidates],
        np.array([one.kind in (*REFERENCES, *TAUGHT) for one in seen.candidates]),
        most,
        seed,
    )


def spent(seen: Seen, replay: DescentReplay, paths: Matrix) -> dict[int, float]:
    """Canaries until a true descendant's ancestry is said, judged by all other lineages; `NEVER` if it is not."""
    wrong, decidable, found = replay.wrong(paths), replay.decidable(paths), dict[int, float]()
    controlled = replay.controlled(paths)
    for place, one in enumerate(seen.candidates):
        own = np.flatnonzero((replay.theirs == one.lineage) & decidable & np.isfinite(paths[place]).all(axis=1))
        if one.kind == "descendant" and len(own):
            boundary = wrong.boundary(bool(controlled[own[0]]), one.lineage)
            look = passed_at(boundary, paths[place, own[0]], ALPHA)
            found[place] = NEVER if look is None else float(replay.looks[look])
    return found


def _both(wrong: Wrong) -> dict[int, Matrix]:
    """The highest of either kind, by model."""
    places = wrong.strangers.keys() | wrong.taught.keys()
    sides = (wrong.strangers, wrong.taught)
    return {p: np.max([side[p] for side in sides if p in side], axis=0) for p in sorted(places)}


def _median(name: str, queries: dict[int, float], most: float) -> Row:
    return Row(name, median(queries), Target(name, "queries", "<=", most), "queries", (None, None, len(queries)))
