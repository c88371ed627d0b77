"""What goes into a bundle: the recording whole, and of the libraries the members that the verdict used, no others."""

import json
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from shutil import copyfile
from typing import Any

from analysis.attribution.rules import Rules, check
from analysis.bundle.basis import KINSHIP, SETTINGS, Basis, Part
from analysis.bundle.recompute import RECORDING, recompute
from analysis.kinship.fitted import SHIPPED
from analysis.libraries.library import REFERENCES, TAUGHT, Library, Member, save_index
from analysis.report.html import write_report
from analysis.signatures.signature import prompts_asked, signature
from analysis.verdict import Verdict
from probes.errors import LibraryError
from probes.recording import SUITE, SUITES, Recording, folder_name, load_recording
from probes.write_whole import write_whole

VERDICT, REPORT = "verdict.json", "report.html"


@dataclass(frozen=True)
class Asked:
    """What is to be judged, and how: as `kinprint attribute` takes it. `left_out` says what the library lacks."""

    rules: Rules
    library: Library
    controls: Library
    parents: Sequence[str] = ()
    alpha: float = 0.01
    left_out: dict[str, Any] | None = None


def gather(recording: Recording, asked: Asked, bundle: Path, beside: Mapping[str, bytes] | None = None) -> Verdict:
    """Fill the empty folder `bundle` with all that the verdict rests on, and with the verdict and its report.

    `beside`: files that go in as they are, by name: a plan and its timestamp (`analysis.bundle.commitment`).
    The verdict is computed from what lies in the folder then: what verification will find. Raises KinprintError as
    `attribute` and `descent` do.
    """
    check(asked.rules, asked.library)
    _copy_recording(recording.folder, bundle / RECORDING)
    for name, content in (beside or {}).items():
        (bundle / name).write_bytes(content)
    library = asked.library.asked(signature(recording, wholes=False))
    controls = controls_of(set(prompts_asked(recording)), asked.controls, asked.parents) if asked.parents else None
    one_folder = controls is not None and controls.folder.resolve() == library.folder.resolve()
    _copy_library(library, controls if one_folder else None, bundle / "library")
    if controls is not None and not one_folder:
        _copy_library(controls, None, bundle / "controls")
    basis = Basis(
        rules=_rules(asked.rules, library, bundle),
        library=_part(library, "library"),
        controls=None if controls is None else _part(controls, "library" if one_folder else "controls"),
        parents=tuple(asked.parents),
        alpha=asked.alpha,
        left_out=asked.left_out or {},
    )
    text = json.dumps(basis.entry(), indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_whole(bundle / SETTINGS, text)
    verdict, packed, used = recompute(bundle, Basis.of_entry(json.loads(text)))
    verdict.save(bundle / VERDICT)
    write_report(verdict, packed, used, bundle / REPORT)
    return verdict


def controls_of(prompts: Set[str], library: Library, parents: Collection[str]) -> Library:
    """The members that a test of descent compares: the parents, and those whose weights are of their own.

    Of these, the ones that were asked any of the prompts (digests). Raises LibraryError for a parent that is not there.
    """
    if unknown := sorted(set(parents) - {member.name for member in library.members}):
        raise LibraryError(f"the library at {library.folder} has no model {unknown[0]!r} to be a parent")
    used = [one for one in library.members if one.role in (*REFERENCES, *TAUGHT) or one.name in parents]
    return replace(library, members=tuple(one for one in used if prompts & library.prompts(one)))


def kinship_file(kinship: str) -> Path:
    """Where fitted coefficients lie, from what the rules call them."""
    return Path(str(files("analysis").joinpath("kinship.json"))) if kinship == SHIPPED else Path(kinship)


def _rules(rules: Rules, library: Library, bundle: Path) -> Rules:
    """The rules as they hold for the members that are packed, with the coefficients beside them."""
    prior = rules.family_prior
    if prior is not None:
        prior = {family: prior[family] for family in library.families}
    if rules.kinship is None:
        return replace(rules, family_prior=prior)
    copyfile(kinship_file(rules.kinship), bundle / KINSHIP)
    return replace(rules, family_prior=prior, kinship=KINSHIP)


def _part(library: Library, folder: str) -> Part:
    return Part(folder, tuple(member.name for member in library.members))


def _copy_library(library: Library, more: Library | None, target: Path) -> None:
    """The recordings of some members as they lie in their library, and an index of these."""
    members = {member.name: _named(library, member) for member in library.members}
    for member in () if more is None else more.members:
        members.setdefault(member.name, _named(more, member) if more is not None else member)
    for name in members:
        _copy_recording(library.folder / folder_name(name), target / folder_name(name))
    save_index(target, library.version, list(members.values()))


def _named(library: Library, member: Member) -> Member:
    """The member with the independent training that its weights come from, which may be known from one left behind."""
    return replace(member, lineage=library.lineage(member))


def _copy_recording(source: Path, target: Path) -> None:
    """The files that a recording's manifest lists, the manifest, and the suite where recordings share it."""
    target.mkdir(parents=True)
    manifest = load_recording(source).manifest
    for name in ("manifest.json", *manifest.files):
        copyfile(source / name, target / name)
    if SUITE not in manifest.files:
        shared = Path(SUITES) / f"{manifest.suite['sha256']}.jsonl"
        (target.parent / SUITES).mkdir(exist_ok=True)
        copyfile(source.parent / shared, target.parent / shared)
