"""`kinprint bench sequential`: decisions made while answers come in: how soon they are made, how often wrongly.

The watch: a model swapped behind an endpoint, simulated on the recordings of a library's bases. The probe: replayed on
every model of a library (`runners.bench.probing`).
"""

from collections.abc import Sequence

from analysis.equality.drift import Basis
from analysis.equality.drift_simulation import Trial, measured
from analysis.libraries.library import SHIPPED, ZOO, Library
from probes.errors import KinprintError
from runners.bench.probing import probe_rows
from runners.bench.row import Row, Target
from runners.progress import say

RUNS = 1000
_BASES: dict[Basis, str] = {"tops": "logprobs", "draws": "text"}
_FALSE_ALARMS, _QUERIES = 18, 15  # per 1,000 quiet runs at alpha 0.01; answers until a swap is noticed


def measure(folders: Sequence[str], runs: int = RUNS) -> list[Row]:
    """Every row, on one library; by default the watch on the references in the package, the probe on the zoo there."""
    if len(folders) > 1:
        raise KinprintError(f"sequential takes one library at most; these are {len(folders)}: {', '.join(folders)}")
    watched, probed = (Library.load(folders[0] if folders else default) for default in (SHIPPED, ZOO))
    return [*watch_rows(watched, runs), *probe_rows(probed)]


def watch_rows(library: Library, runs: int = RUNS) -> list[Row]:
    """Of the watch, on the bases of a library."""
    return [row for basis, access in _BASES.items() for row in _watch(library, basis, access, runs)]


def _watch(library: Library, basis: Basis, access: str, runs: int) -> list[Row]:
    say(f"watching at {access}: {runs} quiet runs a base, and swaps")
    found = measured(library, Trial(basis), runs)
    rows = []
    for base, alarms in found["false_alarms"].items():
        name = f"watch_false_alarms/{access}/{base}"
        most = Target(name, f"of {runs}", "<=", _FALSE_ALARMS * runs / RUNS)
        rows.append(Row(name, float(alarms), most))
    name = f"watch_swap_median/{access}"
    rows.append(Row(name, float(found["median"]), Target(name, "queries", "<=", _QUERIES)))
    rows.append(Row(f"watch_swap_most/{access}", float(found["most"]), None, f"queries, {found['swaps']} swaps"))
    rows.append(Row(f"watch_swap_within_{_QUERIES}/{access}", float(found["within_15"]), None, "share"))
    return rows
