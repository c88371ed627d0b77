"""Whether a bundle stands: nothing was changed, and the verdict follows from the answers that it holds.

It says nothing of where the answers came from: whoever signs could have made them up. `kinprint replicate` is for that.
Asks for no network and starts no model; the verdict is computed by the code that is installed here, never by any that
came with the bundle, which holds none.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from warnings import catch_warnings

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509 import Certificate

from analysis.bundle.basis import SETTINGS, Basis
from analysis.bundle.code import made_by
from analysis.bundle.comparison import differences, same_words
from analysis.bundle.container import unpack
from analysis.bundle.contents import REPORT, VERDICT
from analysis.bundle.envelope import Statement, Subject, open_envelope
from analysis.bundle.kept import sentences
from analysis.bundle.memory import bounded_memory
from analysis.bundle.origin import origins
from analysis.bundle.recompute import recompute
from analysis.bundle.seal import ENVELOPE, EVIDENCE, TOLERANCE, subjects_in, summary
from analysis.report.hostile import NAME_LIMIT, visible
from analysis.report.html import render_report
from analysis.report.words import sentence
from probes.errors import BundleError, EvidenceError, KinprintError

_MOST_ENVELOPE = 1 << 24
_BROKEN = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RecursionError, TypeError, ValueError)
"""What computing may end in where files have the form of a recording and make no sense."""


@dataclass(frozen=True)
class Standing:
    """What stands: the statement, the verdict as a sentence, and `notes` on descent, references, rules and plan."""

    statement: Statement
    verdict: str
    notes: tuple[str, ...]


@contextmanager
def opened(path: Path, key: Ed25519PublicKey | None = None) -> Iterator[tuple[Path, Statement]]:
    """The folder of a bundle's files, once each is known to be what was signed; it is gone afterwards.

    Raises BundleError if the file is no bundle, EvidenceError if anything in it was changed, or signed by another key.
    """
    with TemporaryDirectory(prefix="kinprint-") as name:
        folder = Path(name)
        names = unpack(path, folder)
        if ENVELOPE not in names or (folder / ENVELOPE).stat().st_size > _MOST_ENVELOPE:
            raise BundleError(f"{path} holds no {ENVELOPE} of a bundle")
        statement = open_envelope((folder / ENVELOPE).read_bytes(), EVIDENCE, ENVELOPE, key)
        found = tuple(subjects_in(folder))
        if statement.subjects != found:
            raise EvidenceError(_what_differs(statement.subjects, found))
        yield folder, statement


def verify(path: Path, key: Ed25519PublicKey | None = None, roots: Sequence[Certificate] = ()) -> Standing:
    """Check signature and hashes, and compute the verdict again. `roots` are trusted to date the plan, if it has one.

    Raises BundleError if the file is no bundle, EvidenceError if it does not stand.
    """
    with opened(path, key) as (folder, statement):
        basis, claimed = Basis.of_entry(_json(folder, SETTINGS)), _json(folder, VERDICT)
        try:
            with bounded_memory(path.stat().st_size), catch_warnings(action="ignore"):  # a stranger's numbers overflow
                verdict, recording, library = recompute(folder, basis)
                report = render_report(verdict, recording, library)
                said = (
                    *origins(folder, basis, recording),
                    *sentences(folder, recording, basis, statement.keyid, roots),
                )
        except BundleError:
            raise
        except KinprintError as error:
            why = str(error).replace(f"{folder}/", "")
            raise EvidenceError(f"its verdict can't be computed from what it holds: {why}") from error
        except _BROKEN as error:
            raise EvidenceError(f"its verdict can't be computed from what it holds ({type(error).__name__})") from error
        own = json.loads(verdict.to_json())
        _check_verdict(own, claimed, statement)
        _check_statement(summary(claimed, recording.manifest), statement)
        tested = tuple(one.in_words(recording.manifest.candidate) for one in verdict.descent)
        notes = (*tested, *said, *_of_report(report, folder, statement))
        return Standing(statement, sentence(verdict), notes)


def _check_verdict(own: dict[str, Any], claimed: dict[str, Any], statement: Statement) -> None:
    if not (wrong := list(differences(own, claimed))):
        return
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    maker = statement.predicate.get("made_by")
    by = "" if maker == made_by() else "; it was made by other versions than those here, " + _in_words(maker)
    raise EvidenceError(f"its verdict does not follow from its answers: {wrong[0]}{more} comes out otherwise{by}")


def _check_statement(said: dict[str, Any], statement: Statement) -> None:
    """Whether the statement says of the recording and the verdict what these say, and nothing more."""
    known = {**said, "tolerance": TOLERANCE}
    claimed = {name: value for name, value in statement.predicate.items() if name not in ("made_by", "signer")}
    if claimed != known:
        wrong = sorted(name for name in claimed.keys() | known.keys() if claimed.get(name) != known.get(name))
        raise EvidenceError(f"its signed statement says otherwise of its {wrong[0][:80]} than its files do")


def _of_report(own: str, folder: Path, statement: Statement) -> tuple[str, ...]:
    """Notes on the report. Raises EvidenceError if the same versions wrote another one than the verdict gives."""
    claimed = (folder / REPORT).read_bytes().decode("utf-8", "replace")
    if same_words(own, claimed):
        return ()
    if statement.predicate.get("made_by") == made_by():
        raise EvidenceError(f"its {REPORT} is not what its verdict gives")
    return (f"{REPORT} could not be checked: other versions wrote it than those here",)


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads((folder / name).read_bytes())
    except FileNotFoundError as error:
        raise BundleError(f"the bundle has no {name}") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"the bundle's {name} is not JSON") from error
    if not isinstance(value, dict):
        raise BundleError(f"the bundle's {name} is not a JSON object")
    return value


def _in_words(maker: Any) -> str:
    told = [f"{name} {value}" for name, value in maker.items()] if isinstance(maker, dict) else []
    return visible(", ".join(told) or "which it does not name", 400)


def _what_differs(signed: tuple[Subject, ...], found: Sequence[Subject]) -> str:
    """The first file that is not as it was signed."""
    listed, there = {one.name: one for one in signed}, {one.name: one for one in found}
    for name in sorted(listed.keys() | there.keys()):
        if name not in there:
            return f"{visible(name, NAME_LIMIT)} is missing, which was signed"
        if name not in listed:
            return f"{name} was added, which was not signed"
        if listed[name] != there[name]:
            return f"{name} was changed after it was signed (its SHA-256 differs)"
    return "its signed statement lists a file twice, or out of order"
