"""From a folder to a bundle: hash every file, sign the list, pack it all into one file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from analysis.bundle.code import made_by
from analysis.bundle.comparison import ABSOLUTE, RELATIVE
from analysis.bundle.container import pack
from analysis.bundle.contents import VERDICT
from analysis.bundle.envelope import Subject, sign
from analysis.bundle.recompute import RECORDING
from probes.manifest import Manifest
from probes.recording import file_sha256, load_recording

EVIDENCE = "urn:kinprint:evidence:v1"
"""The kind of statement that a bundle holds."""
ENVELOPE = "envelope.json"
TOLERANCE = {"relative": RELATIVE, "absolute": ABSOLUTE}


def seal(folder: Path, key: Ed25519PrivateKey, out: Path) -> None:
    """Sign what `analysis.bundle.contents.gather` put into a folder, and pack it. The same folder gives the same bytes.

    Raises BundleError if it can't be packed.
    """
    verdict = json.loads((folder / VERDICT).read_bytes())
    said = summary(verdict, load_recording(folder / RECORDING).manifest)
    predicate = {**said, "made_by": made_by(), "tolerance": TOLERANCE}
    (folder / ENVELOPE).write_bytes(sign(subjects_in(folder), EVIDENCE, predicate, key))
    pack(out, folder)


def subjects_in(folder: Path) -> list[Subject]:
    """Every file under a folder but the envelope, in order of names."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    files.pop(ENVELOPE, None)
    return [Subject(name, file_sha256(path), path.stat().st_size) for name, path in sorted(files.items())]


def summary(verdict: Mapping[str, Any], manifest: Manifest) -> dict[str, Any]:
    """What the statement says by itself: who was asked when and what, and what `verdict.json` claims of it."""
    asked = ("candidate", "backend", "tier", "queries", "started_at", "ended_at")
    tests = ("parent", "decision", "p_adjusted")
    return {
        "recording": {name: getattr(manifest, name) for name in asked} | {"suite": manifest.suite["sha256"]},
        "verdict": {name: verdict[name] for name in ("decision", "family", "posterior")},
        "descent": [{name: one[name] for name in tests} for one in verdict["descent"]],
    }
