"""How to check all of this: commands to run, and hashes to compare."""

import re
from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.markup import code, name
from analysis.report.material import Material, Section
from analysis.report.table import Table
from probes.recording import file_sha256

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # anything else is no name to paste into a shell


@dataclass(frozen=True)
class Check(Section):
    """`steps`: what to do, and the command that does it."""

    steps: list[tuple[Markup, str]]
    files: Table


def section(material: Material) -> Check:
    """Always there."""
    say, verdict = material.say, material.verdict
    made = {"version": name(verdict.version), "library": name(verdict.library)}
    commands = {
        "verify": "kinprint verify BUNDLE key=KEY",
        "replicate": "kinprint replicate bundle=BUNDLE candidate.model=MODEL out=AGAIN",
        "attribute": f"kinprint attribute recording=RECORDING{_parents(material)}",
        "explain": "kinprint explain recording=RECORDING",
        "hashes": "cd RECORDING && sha256sum *",
    }
    steps = [(say(f"check.step_{key}", **made), command) for key, command in commands.items()]
    headings = [say("check.file"), say("check.sha256")]
    return Check(say("check.title"), say("check.lede"), steps, Table(say("check.caption"), headings, _files(material)))


def _parents(material: Material) -> str:
    """The parents that were tried, for a command line; a place for them where one is no plain name."""
    parents = [one.parent for one in material.verdict.descent]
    if not parents:
        return ""
    plain = all(_SAFE.fullmatch(parent) for parent in parents)
    return f" 'parents=[{','.join(parents)}]'" if plain else " 'parents=[...]'"


def _files(material: Material) -> list[list[Markup | str]]:
    recording, say = material.recording, material.say
    hashes = {"manifest.json": file_sha256(recording.folder / "manifest.json"), **recording.manifest.files}
    rows: list[list[Markup | str]] = [[code(file), code(sha256)] for file, sha256 in sorted(hashes.items())]
    rows.append([say("check.suite", name=name(recording.suite.name)), code(recording.suite.sha256)])
    index = material.library.folder / "library.json"
    if index.is_file():
        rows.append([say("check.index", version=name(material.verdict.library)), code(file_sha256(index))])
    return rows
