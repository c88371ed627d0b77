"""An accusation played through: the suspect asked, its weights compared, the verdict sealed and checked, a report.

Every suspect gets a folder: `recording/`, `kinship.json` (learned without its lineage), `weights.json`, `verdict.json`,
`evidence.kinprint.zip`, `report.html`, and `outcome.json` last. A run that was stopped goes on where it was.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from analysis.accusation import CONCLUSIONS, Asked, Findings, WeightsFound
from analysis.bundle.code import code_sha256
from analysis.bundle.contents import Asked as ToJudge
from analysis.bundle.verify import verify
from analysis.equality.difference_kind import STRANGERS
from analysis.equality.paired import pair
from analysis.libraries.library import Library
from analysis.report.html import write_report
from analysis.report.weight_measures import WeightMeasures
from analysis.verdict import Verdict
from probes.errors import KinprintError
from probes.recording import Recording
from runners.cases.asking import ask, library_of, make_ready, named
from runners.cases.held_out import HeldOut
from runners.cases.outcome import NAME as OUTCOME
from runners.cases.outcome import Outcome, kept_outcome
from runners.cases.settings import CaseSettings, SuspectSettings
from runners.cases.weighing import NAME as WEIGHTS
from runners.cases.weighing import weigh
from runners.effort import effort
from runners.jobs.attribute import checked_alpha, rules
from runners.jobs.bundle import pack
from runners.progress import say
from runners.signing_key import new_key, private_key, public_key
from runners.zoo.models import FROM_ZOO

RECORDING, EVIDENCE, REPORT, VERDICT = "recording", "evidence.kinprint.zip", "report.html", "verdict.json"
_KEY = "case.key"


def play(settings: CaseSettings, made_by: dict[str, str]) -> Iterator[Outcome]:
    """Every suspect's outcome, as it is known. Raises KinprintError for a model that nobody can have."""
    checked_alpha(settings.alpha)
    for name, suspect in settings.cast.suspects.items():
        if suspect.expected not in (None, *CONCLUSIONS):
            raise KinprintError(f"{name} is expected to be {suspect.expected!r}; known are {', '.join(CONCLUSIONS)}")
    for name, model in {**settings.cast.references, **settings.cast.suspects}.items():
        named(name, model)
    folders = {name: Path(settings.out) / name for name in settings.cast.suspects}
    make_ready(settings.cast.suspects[name].model for name, one in folders.items() if not (one / OUTCOME).is_file())
    library = library_of(settings, made_by)
    for name, suspect in settings.cast.suspects.items():
        how = _how(suspect, settings, library)
        if (outcome := kept_outcome(folders[name], how)) is None:
            outcome = replace(investigate(name, suspect, settings, library, made_by), settings=how)
            outcome.save(folders[name])
        yield outcome


def investigate(
    name: str, suspect: SuspectSettings, settings: CaseSettings, library: Library, made_by: dict[str, str]
) -> Outcome:
    """Ask one suspect and judge it."""
    folder, model = Path(settings.out) / name, named(name, suspect)
    with effort() as spent:
        say(f"{name}: asking {model}")
        recording = ask(name, suspect, settings, folder / RECORDING, made_by)
        verdict, weights = judge(recording, model, suspect, settings, library)
        found = findings(verdict, weights, apart(recording, library, suspect))
    missed = () if suspect.expected is None else Asked(suspect.expected, suspect.family, suspect.named).missed(found)
    return Outcome(
        suspect=name,
        model=model,
        parent=suspect.parent,
        expected=suspect.expected,
        found=found,
        missed=tuple(missed),
        queries=verdict.queries,
        seconds=round(spent.seconds, 1),
        cpu_seconds=round(spent.cpu_seconds, 1),
    )


def judge(
    recording: Recording, model: str, suspect: SuspectSettings, settings: CaseSettings, library: Library
) -> tuple[Verdict, WeightsFound | None]:
    """Verdict and weights, with bundle and report beside the recording."""
    folder, held_out = recording.folder.parent, HeldOut.of(library, model, suspect.parent)
    parents = () if suspect.parent is None else (suspect.parent,)
    say(f"{recording.manifest.candidate}: judging by what never saw the lineage {held_out.lineage}")
    rule = held_out.rules(recording, rules(settings.estimator, settings.leave_out), folder / "kinship.json")
    references = held_out.references if parents else held_out.kept
    to_judge = ToJudge(rule, references, held_out.kept, parents, settings.alpha, {"lineage": held_out.lineage})
    verdict = sealed(recording, to_judge, folder / EVIDENCE, Path(settings.out) / _KEY)
    verdict.save(folder / VERDICT)
    weights = None if suspect.parent is None else weigh(model, _origin(suspect.parent, settings), folder)
    measures = None if weights is None else WeightMeasures.load(folder / WEIGHTS)
    write_report(verdict, recording, references, folder / REPORT, weights=measures)
    return verdict, weights


def sealed(recording: Recording, to_judge: ToJudge, out: Path, key: Path) -> Verdict:
    """The verdict, from the bundle that it is packed in, which is then checked as a stranger would."""
    if not key.exists():
        new_key(key)
    verdict, _ = pack(recording, to_judge, private_key(key), out)
    standing = verify(out, public_key(key.with_name(f"{key.name}.pub")))
    for line in (f"stands: {standing.verdict}", *(one.in_words(verdict.candidate) for one in verdict.descent)):
        say(line)
    return verdict


def apart(recording: Recording, library: Library, suspect: SuspectSettings) -> float | None:
    """How far the answers of a suspect are from those of the model named, in shares of what strangers are apart.

    None where only sampled text shows, or no model is named.
    """
    named_one = [library.recording(one) for one in library.members if one.name == suspect.parent]
    if not named_one or (paired := pair(recording, named_one[0])).basis != "tops":
        return None
    return float(paired.distances.mean()) / STRANGERS


def findings(verdict: Verdict, weights: WeightsFound | None, distance: float | None) -> Findings:
    """What a case says of one suspect, rung by rung."""
    tested = verdict.descent[0] if verdict.descent else None
    return Findings(
        tokenizers=tuple(verdict.tokenizer.get("fits", ())),
        decision=verdict.decision,
        family=verdict.family,
        likeliest=verdict.likeliest,
        p=None if verdict.likeliest is None else verdict.posterior[verdict.likeliest],
        descent=None if tested is None else tested.decision,
        effect=None if tested is None else tested.effect,
        p_value=None if tested is None else tested.p_adjusted,
        apart=distance,
        weights=weights,
    )


def _origin(parent: str, settings: CaseSettings) -> str:
    """Where the model of a reference is from."""
    own = settings.cast.references.get(parent)
    return f"{FROM_ZOO}{parent}" if own is None else named(parent, own)


def _how(suspect: SuspectSettings, settings: CaseSettings, library: Library) -> dict[str, Any]:
    """All that an outcome hangs on, so that another run's is taken only if it was found the same way."""
    asked = {key: getattr(settings, key) for key in ("backend", "engine", "alpha", "seed")}
    parts = {key: asdict(getattr(settings, key)) for key in ("suite", "tier", "estimator", "leave_out")}
    beside = {"library": [one.name for one in library.members], "code": code_sha256()}
    return {"suspect": asdict(suspect), **asked, **parts, **beside}
