"""`kinprint bench lineage`: families and descent on models of known lineage, none of which a fitted part has seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal

import numpy as np

from analysis.baselines.outputs import Outputs
from analysis.benchmark.measures import Measure, true_and_false
from analysis.benchmark.ours import Ours, measure_tier
from analysis.benchmark.peer_measures import measure_peers
from analysis.benchmark.plots import Curve, accuracy_plot, roc_plot
from analysis.benchmark.specimens import Seen, Specimen, specimens_of
from analysis.benchmark.table import TIERS, page
from analysis.libraries.library import ZOO, Library
from analysis.one_thread import one_thread
from analysis.report.measured_rates import save_rates
from analysis.signatures.observation import Access
from probes.errors import KinprintError
from runners.bench.row import Row, Target
from runners.progress import say
from runners.zoo.made import zoo_members

ACCESSES = (
    Access("logits"),
    Access("topk", top_k=20),
    Access("text", draws=4),
    Access("topk", top_k=20, named=True),
)
"""Those that take longest first."""
WORKERS = 2
"""Accesses that are measured at a time."""
_AIMS: tuple[tuple[str, Literal["<=", ">="], dict[str, float]], ...] = (
    ("family_accuracy/{}/64", ">=", {"logits": 0.99, "topk_chosen": 0.98, "topk": 0.98, "text": 0.93}),
    ("family_accuracy/{}/16", ">=", {"logits": 0.97, "topk_chosen": 0.95, "topk": 0.95, "text": 0.85}),
    ("techniques_missed/{}/64", "<=", {"logits": 0, "topk_chosen": 0, "topk": 0, "text": 2}),
    ("descendant_recall/{}/64", ">=", {"logits": 0.95, "topk_chosen": 0.90, "topk": 0.60}),
    ("innocents_accused/{}/64", "<=", {"logits": 0, "topk_chosen": 0, "topk": 0}),
    ("unknown_rejected/{}/64", ">=", {"logits": 0.95, "topk_chosen": 0.95, "topk": 0.95, "text": 0.85}),
)
AIMS = {name.format(tier): (op, value) for name, op, values in _AIMS for tier, value in values.items()}


def measure(folders: Sequence[str], docs: Path | None = None, rates: Path | None = None) -> list[Row]:
    """Every row that the libraries in these folders allow; by default the zoo in the package.

    `docs` is the page and `rates` the file of what reports tell, to be written where they are named.
    """
    from joblib import Parallel, delayed

    places = [str(folder) for folder in folders or [ZOO]]
    specimens = specimens_of([Library.load(folder) for folder in places])
    if missing := missing_members(specimens):
        say(f"{len(missing)} of the zoo's members are not there, and nothing is measured on them: {', '.join(missing)}")
    tiers: list[Tier] = Parallel(n_jobs=WORKERS)(delayed(_at)(access, places) for access in ACCESSES)
    tiers.sort(key=lambda one: TIERS.index(one.name))
    rows = [row_of(one) for tier in tiers for one in tier.measures]
    rows.append(Row("members_missing/all/0", float(len(missing)), None, "models"))
    if docs is not None:
        write_page(docs, rows, tiers, missing)
    if rates is not None:
        save_rates([row.as_json() for row in rows], " ".join(["kinprint bench lineage", *folders]), rates)
    return rows


def write_page(path: Path, rows: Sequence[Row], tiers: Sequence["Tier"], missing: Sequence[str]) -> None:
    """The page and, in a folder of its name beside it, its plots."""
    kept = [row.as_json() for row in rows]
    plots = {"accuracy": accuracy_plot(kept)}
    plots |= {f"roc-{one.name}": roc_plot(one.curves) for one in tiers if one.curves}
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in plots.items():
        (folder / f"{name}.svg").write_text(svg, "utf-8")
    settings = {one.name: one.settings for one in tiers}
    path.write_text(page(kept, settings, missing, [f"{folder.name}/{name}.svg" for name in plots]), "utf-8")


def roc_curves(ours: Ours, budget: int = 64) -> dict[str, Curve]:
    """Scores of descendants with their own base, and the highest of anybody with another lineage: ours and peers'."""
    scores = {ours.seen.access.name: ours.descents[budget].scores[0]} if budget in ours.descents else {}
    scores |= {peer: found for (peer, size), found in ours.peers.items() if size == budget}
    curves = {}
    for name, found in scores.items():
        kin, others = true_and_false(ours.seen.candidates, ours.seen.references, found)
        curves[name] = (np.array(list(kin.values())), np.array(list(others.values())))
    return {way: curve for way, curve in curves.items() if len(curve[0]) and len(curve[1])}


@dataclass(frozen=True)
class Tier:
    """What was measured at one access: figures, the settings that peers chose, and curves of scores by their owner."""

    name: str
    measures: list[Measure]
    settings: dict[str, str]
    curves: dict[str, Curve]


@one_thread()
def _at(access: Access, folders: Sequence[str]) -> Tier:
    return _measured(access, specimens_of([Library.load(folder) for folder in folders]))


def _measured(access: Access, specimens: Sequence[Specimen]) -> Tier:
    start = monotonic()
    seen = Seen.at(access, specimens)
    if seen.left_out:
        say(f"at {access.name}, {len(seen.left_out)} models can't be read: {', '.join(seen.left_out)}")
    say(f"{access.name}: {len(seen.candidates)} models against {len(seen.references)} references")
    ours = measure_tier(seen)
    say(f"{access.name}: measured in {monotonic() - start:.0f} s")
    peers, settings = measure_peers(
        ours, embedded, lambda name: say(f"{access.name}: {name}: {monotonic() - start:.0f} s")
    )
    return Tier(access.name, ours.measures + peers, settings, roc_curves(ours))


def embedded(models: Sequence[Outputs]) -> Sequence[Outputs]:
    """The models with the embeddings of their answers, or as they are, if the encoder can't be had."""
    from runners.embeddings.answers import with_embeddings

    try:
        return with_embeddings(models, say=say)
    except KinprintError as error:
        say(f"the peer templates is left out: {error}")
        return models


def missing_members(specimens: Sequence[Specimen]) -> list[str]:
    """Names of the members that the zoo's configuration plans for the suite `core`, and that are not there."""
    there = {one.name for one in specimens}
    return [name for name, member in zoo_members().items() if member.suite is None and name not in there]


def row_of(one: Measure) -> Row:
    """A measure as a row, with the target that was set for it."""
    aim, figure = AIMS.get(one.row), one.figure
    if one.name.endswith("/significantly_behind"):
        aim = ("<=", 0)
    if one.name.endswith("/ahead"):
        aim = (">=", 1)
    target = None if aim is None else Target(one.row, one.unit, aim[0], aim[1])
    if figure is None:
        return Row(one.row, None, target, one.unit, (None, None, 0))
    return Row(one.row, figure.value, target, one.unit, (figure.low, figure.high, figure.n))
