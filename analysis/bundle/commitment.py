"""What was committed to before anything was asked: a signed statement of whom to ask what, and how to judge it.

Its subjects are the files that the verdict is to rest on beside the answers: the manifest of each reference, which has
the hashes of its files, and the fitted coefficients. It is dated by its signer, and so by nobody, unless a timestamp
authority countersigned it (`analysis.bundle.timestamp`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from analysis.bundle.basis import KINSHIP, Basis
from analysis.bundle.code import made_by
from analysis.bundle.envelope import Statement, Subject, open_envelope, sign
from analysis.libraries.library import Library
from probes.errors import BundleError
from probes.recording import file_sha256, folder_name
from probes.suite import Suite

PLAN, TIMESTAMP = "plan.dsse.json", "plan.tsr"
"""Files of a bundle."""
KIND = "urn:kinprint:plan:v1"
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Commitment:
    """`asked`: `candidate`, `model` and `endpoint` (None where not said), `tier`, `top_k`, `temperature`, `top_p`,
    `seed`; `suite`: its name, hash and, drawn afresh, its commitment; `choice`: `rule` (`whole`, or an order of
    `kinprint probe`) and `canaries` at most; `judged`: rules, `parents`, `alpha` and what is `left_out`.
    """

    asked: Mapping[str, Any]
    suite: Mapping[str, Any]
    choice: Mapping[str, Any]
    judged: Mapping[str, Any]
    signed_at: str

    @classmethod
    def of(cls, statement: Statement) -> "Commitment":
        """From a plan's statement. Raises BundleError if it is not one that `commit` makes."""
        said = statement.predicate
        try:
            asked, suite, choice, judged = (dict(said[name]) for name in ("asked", "suite", "choice", "judged"))
            found = cls(asked, suite, choice, judged, str(said["signed_at"]))
            moment(found.signed_at)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{PLAN} does not say who is asked what, and when it was signed") from error
        return found


def moment(time: str) -> datetime:
    """A time in ISO 8601; without a zone, UTC. Raises ValueError if it is none."""
    found = datetime.fromisoformat(time)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def commit(commitment: Commitment, subjects: Sequence[Subject], key: Ed25519PrivateKey) -> bytes:
    """The signed plan, as it is published, timestamped and put into a bundle."""
    return sign(subjects, KIND, {**vars(commitment), "made_by": made_by()}, key)


def open_plan(text: bytes) -> Statement:
    """A signed plan. Raises BundleError if it is none, EvidenceError if its signature does not fit."""
    return open_envelope(text, KIND, PLAN)


def suite_entry(suite: Suite) -> dict[str, Any]:
    """A suite as a plan names it; the secret seed of a fresh one stays out."""
    drawn = {name: value for name, value in suite.drawn.items() if name != "seed"}
    return {"name": suite.name, "sha256": suite.sha256, **drawn}


def subject(name: str, path: Path) -> Subject:
    """A file under a name."""
    return Subject(name, file_sha256(path), path.stat().st_size)


def library_subjects(role: str, library: Library) -> list[Subject]:
    """The members of a library, which serve as `library` or as `controls`."""
    folders = [folder_name(member.name) for member in library.members]
    return [subject(f"{role}/{name}/{_MANIFEST}", library.folder / name / _MANIFEST) for name in sorted(folders)]


def bundle_subjects(basis: Basis, bundle: Path) -> list[Subject]:
    """Of what a bundle holds, that which a plan would name."""
    found = [subject(KINSHIP, bundle / KINSHIP)] if (bundle / KINSHIP).is_file() else []
    for role, part in (("library", basis.library), ("controls", basis.controls)):
        if part is not None:
            found += library_subjects(role, part.open(bundle))
    return found
