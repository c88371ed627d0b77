"""How a verdict was made: all that a reader can check of the recording, the library and the verdict."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.library import Library
from analysis.report.words import duration
from analysis.verdict import Verdict
from probes.recording import Recording, file_sha256


@dataclass(frozen=True)
class Group:
    """Facts under one heading: (label, value), both to be printed as they are."""

    title: str
    facts: tuple[tuple[str, str], ...]


def provenance(verdict: Verdict, recording: Recording, library: Library) -> list[Group]:
    """The facts about how a verdict was made, in groups."""
    manifest = recording.manifest
    suite = f"{manifest.suite.get('name', '')} ({len(recording.suite)} canaries)"
    techniques = ", ".join(sorted({member.technique for member in library.members}))
    deciding = ", ".join(verdict.channels) or "none"
    return [
        Group(
            "Candidate",
            (
                ("name", manifest.candidate),
                ("model", manifest.model),
                ("backend", manifest.backend),
                *_spread("engine", manifest.engine),
                *_spread("tokenizer", manifest.tokenizer),
            ),
        ),
        Group(
            "What was asked",
            (
                ("tier", manifest.tier),
                *_spread("access", manifest.access),
                ("suite", suite),
                ("suite sha256", recording.suite.sha256),
                ("sampling", _inline(manifest.sampling)),
            ),
        ),
        Group(
            "What it took",
            (
                ("queries", f"{manifest.queries:,}"),
                ("prompt tokens", f"{manifest.prompt_tokens:,}"),
                ("answer tokens", f"{manifest.completion_tokens:,}"),
                ("time asking", f"{duration(manifest.seconds)} (without the engine's start)"),
                ("started", manifest.started_at),
                ("ended", manifest.ended_at),
                ("answers by status", _inline(manifest.counts)),
            ),
        ),
        Group(
            "What it was compared with",
            (
                ("library", verdict.library),
                ("families", ", ".join(library.families)),
                ("references", f"{len(library.members)} ({techniques})"),
                ("canaries compared", f"{verdict.canaries:,}"),
                ("deciding channels", deciding),
                ("calibration", verdict.calibration.basis),
                ("lineages", str(verdict.calibration.lineages)),
            ),
        ),
        Group(
            "Chain of custody",
            (
                ("kinprint", verdict.version),
                *_spread("recorded by", manifest.made_by),
                ("manifest.json sha256", file_sha256(recording.folder / "manifest.json")),
                *((f"{name} sha256", sha256) for name, sha256 in sorted(manifest.files.items())),
            ),
        ),
    ]


def _spread(label: str, values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """One fact a key, labelled `label key`."""
    return tuple((f"{label} {key}", _plain(value)) for key, value in values.items())


def _inline(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_plain(value)}" for key, value in values.items()) or "none"


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "unknown" if value is None else json.dumps(value, ensure_ascii=False)
