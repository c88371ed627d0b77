"""`kinprint bench weights`: how often the measures of `kinprint weights` take strangers for kin.

Every model is reduced once, and kept so in the cache; pairs whose models are as they were are not measured again. So a
run over a larger zoo costs what is new in it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic

from analysis.libraries.library import Member
from analysis.weights.comparison import Side, compare
from analysis.weights.evidence import same_shape
from analysis.weights.innocent_pairs import SHIPPED, Pair, PairMember, PairsFile, Relation
from analysis.weights.measures import MEASURES
from analysis.weights.rates_table import figures, write_table
from analysis.weights.stored_model import StoredModel
from analysis.weights.summary import SCHEMA, load_summary, save_summary, summarise
from probes.errors import CandidateError, KinprintError, LibraryError
from runners.bench.row import Row
from runners.compose import settings_of
from runners.library.settings import LibraryBuildSettings
from runners.progress import say
from runners.zoo.cache import cache_directory
from runners.zoo.parentage import completed, library_member

MADE_BY = "kinprint bench weights"
_SAVE_EVERY = 60.0
_NAMES = [measure.name for measure in MEASURES]


def measure(folders: Sequence[str], docs: Path | None = None, pairs: Path | None = None) -> list[Row]:
    """Measure all pairs of the zoo's models under these folders (by default those in the cache), and keep them.

    `pairs`: the file that is brought up to date, by default the one in the package; `docs`: the page whose table is.
    """
    path = SHIPPED if pairs is None else pairs
    zoo = completed(settings_of("zoo", LibraryBuildSettings, []).members)
    members = {name: library_member(name, zoo) for name in zoo}
    sides = dict(_sides(_models(folders), members))
    if len(sides) < 2:
        raise KinprintError(f"there are {len(sides)} models of the zoo under {', '.join(folders)}; pairs need two")
    found = _measured(sides, members, path)
    if docs is not None:
        write_table(docs, found)
    return [Row(name, value, None, unit, interval) for name, value, unit, interval in figures(found)]


def related(a: Member, b: Member, members: Mapping[str, Member]) -> Relation | None:
    """How two members are related; None where that is neither one nor the other (two descendants of one model)."""
    if a.lineage != b.lineage:
        return "independent"
    return "descendant" if a.name in _ancestors(b, members) or b.name in _ancestors(a, members) else None


def worth_measuring(a: Member, b: Member, relation: Relation | None) -> bool:
    """Kin always; strangers where neither has a parent, or both are of one plan and so most easily mistaken."""
    if relation != "independent":
        return relation == "descendant"
    return a.family == b.family or (a.parent is None and b.parent is None)


def _measured(sides: Mapping[str, Side], members: Mapping[str, Member], path: Path) -> PairsFile:
    people = [_described(members[name], side) for name, side in sides.items()]
    before = _known(path)
    names = list(sides)
    done: list[Pair] = []
    saved = monotonic()
    for i, name in enumerate(names):
        for j in range(i):
            relation = related(members[names[j]], members[name], members)
            if relation is None or not worth_measuring(members[names[j]], members[name], relation):
                continue
            one, other = sides[names[j]], sides[name]
            values = before.get((people[j].digest, people[i].digest))
            if values is None or values.keys() != set(_NAMES):
                values = {key: value.value for key, value in compare(one, other).items()}
            done.append(Pair(j, i, relation, same_shape(one.summary.facts, other.summary.facts), values))
            if monotonic() - saved > _SAVE_EVERY:
                PairsFile(MADE_BY, tuple(people), tuple(done)).save(path.with_suffix(".unfinished.json"), _NAMES)
                say(f"{len(done)} pairs, at {name}")
                saved = monotonic()
    whole = PairsFile(MADE_BY, tuple(people), tuple(done))
    whole.save(path, _NAMES)
    path.with_suffix(".unfinished.json").unlink(missing_ok=True)
    return whole


def _known(path: Path) -> dict[tuple[str, str], dict[str, float | None]]:
    """What was measured before, by the digests of both models in either order."""
    found: dict[tuple[str, str], dict[str, float | None]] = {}
    for file in (path, path.with_suffix(".unfinished.json")):
        try:
            before = PairsFile.load(file)
        except LibraryError:  # none there, or of another version: measured anew
            continue
        for pair in before.pairs:
            one, other = before.members[pair.a].digest, before.members[pair.b].digest
            found[one, other] = found[other, one] = pair.values
    return found


def _sides(models: Mapping[str, Path], members: Mapping[str, Member]) -> Iterator[tuple[str, Side]]:
    for name, folder in models.items():
        if name not in members:
            say(f"{name} is no member of the zoo, so nothing is known of its ancestry; passed over")
            continue
        try:
            model = StoredModel(folder)
            kept = cache_directory() / "weights" / f"{name}-{SCHEMA}-{_state(folder)}.safetensors"
            if not kept.exists():
                save_summary(summarise(model), kept)
            yield name, Side(model, load_summary(kept))
        except CandidateError as error:
            say(f"{name} is passed over: {error}")


def _models(folders: Sequence[str]) -> dict[str, Path]:
    """Model folders by their names, which are those of the zoo's members."""
    found: dict[str, Path] = {}
    for place in folders or [str(cache_directory() / "models")]:
        folder = Path(place)
        if not folder.is_dir():
            raise KinprintError(f"{place} is no folder; name folders of models of the zoo, or models")
        inside = [folder] if (folder / "config.json").exists() else sorted(folder.iterdir())
        found |= {one.name: one for one in inside if (one / "config.json").exists()}
    return found


def _described(member: Member, side: Side) -> PairMember:
    return PairMember(
        name=member.name,
        kind=member.role,
        lineage=member.lineage or member.name,
        plan=member.family,
        architecture=side.summary.facts.architecture,
        parameters=side.model.parameters,
        digest=side.summary.digest()[:16],
    )


def _ancestors(member: Member, members: Mapping[str, Member]) -> set[str]:
    direct = {name for name in (member.parent, *member.parents) if name in members}
    return direct.union(*(_ancestors(members[name], members) for name in direct))


def _state(folder: Path) -> str:
    """Changes when a file of the model does."""
    files = [*sorted(folder.glob("*.safetensors")), folder / "tokenizer.json", folder / "config.json"]
    states = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.exists()]
    return hashlib.sha256(repr(states).encode()).hexdigest()[:16]
