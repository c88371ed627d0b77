"""`kinprint plan`: how likely is a verdict, and what does it cost, before anything is asked?"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from analysis.attribution.rules import check
from analysis.bundle.commitment import PLAN
from analysis.one_thread import one_thread
from analysis.power.advice import descent_advice, family_advice
from analysis.power.asked import Asked
from analysis.power.decidable import columns_of, other_ways
from analysis.power.descent import DescentChances, descent_chances
from analysis.power.family import Begin, FamilyChances, family_chances
from analysis.power.tables import LISTED, Table, descent_table, family_table, parents_table
from analysis.signatures.observation import Access
from probes.errors import KinprintError
from probes.manifest import TIERS
from runners.committing import signed_plan
from runners.compose import settings_of
from runners.jobs.attribute import checked_alpha, open_library, rules
from runners.jobs.evaluate import progress_on, save
from runners.progress import say
from runners.settings import PlanSettings, TierSettings
from runners.signing_key import private_key
from runners.suites import suite_of

POSSIBLE, UNDECIDABLE = 0, 3


def main(overrides: list[str]) -> int:
    """The command line's entry; returns whether a verdict is possible as an exit status."""
    # Hydra takes budget=64 for an option of the group of that name, which limits what is spent
    overrides = [f"canaries={one.removeprefix('budget=')}" if one.startswith("budget=") else one for one in overrides]
    settings = settings_of("plan", PlanSettings, overrides)
    if settings.sign and (settings.key is None or settings.out is None):
        raise KinprintError("sign=true needs a key (key=FILE, see 'kinprint key') and a folder (out=DIR)")
    if settings.goal == "descent" and not any(one.startswith("library") for one in overrides):
        settings = settings_of("plan", PlanSettings, ["library=zoo", *overrides])
    with ExitStack() as bars, one_thread():
        asked, chances, tables, advice = run(settings, progress_on(bars))
    for table in tables:
        print(*("\t".join(row) for row in table), sep="\n")
    for sentence in advice:
        say(sentence)
    here = next(one for one in chances if one.budget == asked.budget)
    if settings.out is not None:
        about = {"goal": asked.goal, "tier": asked.way, "suite": asked.suite.name, "budget": asked.budget}
        found = {**about, "alpha": settings.alpha, "possible": here.possible, "advice": list(advice)}
        save({**found, "chances": [asdict(one) for one in chances]}, Path(settings.out) / "plan.json")
        if settings.sign and settings.key is not None:
            _sign(settings, asked, Path(settings.key), Path(settings.out) / PLAN)
    return POSSIBLE if here.possible else UNDECIDABLE


def _sign(settings: PlanSettings, asked: Asked, key: Path, path: Path) -> None:
    """Write down and sign what will be asked."""
    library, estimator = (
        open_library(settings.library, settings.leave_out),
        rules(settings.estimator, settings.leave_out),
    )
    path.write_bytes(signed_plan(settings, asked.suite, library, estimator, asked.budget, private_key(key)))
    say(f"{path} is signed and self-dated; publish it or have it timestamped before anything is asked (docs/bundle.md)")


Chances = Sequence[FamilyChances] | Sequence[DescentChances]


def run(settings: PlanSettings, begin: Begin) -> tuple[Asked, Chances, list[Table], list[str]]:
    """What is asked, the chances at each budget, the tables to print, and what to say of them."""
    library, estimator = open_library(settings.library, settings.leave_out), rules(settings.estimator)
    parents, alpha = _parents(settings), checked_alpha(settings.alpha)
    check(estimator, library)
    asked = Asked.of(
        library,
        suite_of(settings.suite),
        settings.goal,
        _access(settings.tier),
        settings.canaries,
        begin("reading the library", len(library.members)),
    )
    if asked.goal == "family":
        families = family_chances(asked, estimator, begin)
        return asked, families, [family_table(families)], [family_advice(asked, families)]
    descents = descent_chances(asked, parents, alpha, begin)
    here = next(one for one in descents if one.budget == asked.budget)
    elsewhere: Mapping = {}
    if not any(one.possible for one in descents):
        elsewhere = other_ways(asked, columns_of(asked, parents), alpha)
    advice = [descent_advice(asked, descents, elsewhere)]
    if len(here.parents) > LISTED:
        advice.insert(0, f"{len(here.parents) - LISTED} more parents are not listed; out=DIR keeps them all")
    return asked, descents, [parents_table(here), descent_table(descents)], advice


def _parents(settings: PlanSettings) -> list[str]:
    if settings.goal not in ("family", "descent"):
        raise KinprintError(f"goal is family or descent; it is {settings.goal!r}")
    parents = [settings.parent] if isinstance(settings.parent, str) else list(settings.parent or [])
    if parents and settings.goal == "family":
        raise KinprintError("parent goes with goal=descent; a family verdict names no parent")
    return [str(parent) for parent in parents]


def _access(tier: TierSettings) -> Access:
    if tier.name not in TIERS:
        raise KinprintError(f"there is no tier {tier.name!r}; known are {', '.join(TIERS)}")
    if tier.top_k < 1:
        raise KinprintError(f"tier.top_k must be at least 1; it is {tier.top_k}")
    top_k, draws = tier.top_k if tier.name == "topk" else 0, 4 if tier.name == "text" and tier.draws is not False else 0
    return Access(tier.name, top_k, draws, named=tier.name == "topk" and tier.positions == "chosen")
